import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../world/until.ts";
import { FakeConversation, PEER } from "./fake_conversation.ts";

/** util-linux: it runs a program in a pseudo-terminal of its own. */
async function whyNoTerminal(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "script(1) of util-linux is needed";
  const found = await new Deno.Command("script", { args: ["--version"], stdout: "piped" }).output()
    .catch(() => null);
  const isThere = found !== null && new TextDecoder().decode(found.stdout).includes("util-linux");
  return isThere ? null : "script(1) of util-linux is not here";
}

const why = await whyNoTerminal();

Deno.test({
  name: `chat in a real terminal draws, sends and gives it back${why === null ? "" : `: ${why}`}`,
  ignore: why !== null,
  async fn() {
    await using node = new FakeConversation();
    node.add(PEER, "evil \x1b[2J text");
    const data = await Deno.makeTempDir();
    await Deno.writeTextFile(`${data}/admin.json`, JSON.stringify(node.admin.adminFile));
    const root = new URL("../../node.ts", import.meta.url).pathname;
    const chat = `${Deno.execPath()} run --quiet --no-check -A ${root} chat --data ${data} anna`;
    const child = new Deno.Command("script", {
      args: ["-qec", `stty rows 24 cols 80; ${chat}; stty -a`, "/dev/null"],
      env: { TERM: "xterm", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let shown = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) shown += text;
    })();
    const typing = child.stdin.getWriter();
    const type = (text: string) => typing.write(new TextEncoder().encode(text));
    await until(() => shown.includes("evil ␛[2J text"), "the conversation");
    await type("from a terminal\r");
    await until(() => node.posted("/messages").length === 1, "the text");
    await type("a draft\x03");
    const { code } = await child.status;
    await typing.close().catch(() => {});
    await reading;
    assertEquals([code, node.draft], [0, "a draft"]);
    assertEquals(node.posted("/messages"), [{ peer: "anna", text: "from a terminal", wait_ms: 0 }]);
    const after = shown.slice(shown.lastIndexOf("\x1b[?1049l"));
    assertStringIncludes(after, " icanon");
    assert(!after.includes("-icanon"), "lines are edited by the terminal again");
    await Deno.remove(data, { recursive: true });
  },
});
