import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TerminalProgram, terminalTest } from "../ports/pseudo_terminal.ts";
import { until } from "../world/until.ts";
import { FakeConversation, PEER } from "./fake_conversation.ts";

await terminalTest("chat in a real terminal draws, sends and gives it back", async () => {
  await using node = new FakeConversation();
  node.add(PEER, "evil \x1b[2J text");
  const data = await Deno.makeTempDir();
  await Deno.writeTextFile(`${data}/admin.json`, JSON.stringify(node.admin.adminFile));
  const root = new URL("../../node.ts", import.meta.url).pathname;
  const chat = `${Deno.execPath()} run --quiet --no-check -A ${root} chat --data ${data} anna`;
  const terminal = new TerminalProgram(`${chat}; stty -a`);
  await until(() => terminal.shown.includes("evil ␛[2J text"), "the conversation");
  await terminal.type("from a terminal\r");
  await until(() => node.posted("/messages").length === 1, "the text");
  await terminal.type("a draft\x03");
  assertEquals([await terminal.ended(), node.draft], [0, "a draft"]);
  assertEquals(node.posted("/messages"), [{ peer: "anna", text: "from a terminal", wait_ms: 0 }]);
  const after = terminal.shown.slice(terminal.shown.lastIndexOf("\x1b[?1049l"));
  assertStringIncludes(after, " icanon");
  assert(!after.includes("-icanon"), "lines are edited by the terminal again");
  await Deno.remove(data, { recursive: true });
});
