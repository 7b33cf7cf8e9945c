import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../world/until.ts";
import { TerminalProgram, terminalTest } from "./pseudo_terminal.ts";

const MODULE = JSON.stringify(import.meta.resolve("../../ports/system_terminal.ts"));
const SIGNALS = JSON.stringify(import.meta.resolve("../../process/signals.ts"));
/** Says what it read, or why it read nothing. */
const PROGRAM = `
  import { readStandardInput } from ${MODULE};
  import { stopOnSignals } from ${SIGNALS};
  const stop = new AbortController();
  stopOnSignals(stop);
  console.log("ready");
  const read = readStandardInput(100, stop.signal);
  console.log(await read.then((bytes) => new TextDecoder().decode(bytes), (error) => error.name));
  Deno.exit(0);
`;

async function readBy(end: (child: Deno.ChildProcess) => Promise<void> | void): Promise<string> {
  const program = `data:application/typescript,${encodeURIComponent(PROGRAM)}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "-A", program],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("half a message"));
  writer.releaseLock();
  await end(child);
  const { value = "" } = await reader.read();
  await reader.cancel();
  await child.status;
  await child.stdin.close().catch(() => {});
  return value.trim();
}

Deno.test("readStandardInput() reads to the end", async () => {
  assertEquals(await readBy((child) => child.stdin.close()), "half a message");
});

Deno.test({
  name: "readStandardInput() gives nobody half of what came before a signal",
  ignore: Deno.build.os === "windows",
  async fn() {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      assertEquals(await readBy((child) => child.kill(signal)), "AbortError");
      const both = async (child: Deno.ChildProcess) => {
        await child.stdin.close();
        child.kill(signal);
      };
      assertEquals(await readBy(both), "AbortError");
    }
  },
});

/** A line of the shell that asks for two lines and says what it read. */
function asking(options: { isShown: boolean; redirect?: string }): string {
  const { isShown, redirect = "" } = options;
  const program = `
    import { readSecret } from ${MODULE};
    const isWhole = (typed) => typed.includes(10) || typed.length > 9;
    const read = await readSecret("Words: ", { isShown: ${isShown}, isWhole });
    console.log("read", read === null ? "nothing" : btoa(new TextDecoder().decode(read)));
  `;
  const url = `data:application/typescript;base64,${btoa(program)}`;
  return `${Deno.execPath()} run --quiet --no-check -A '${url}' ${redirect}`;
}

const OTHER_SCREEN = { enter: "\x1b[?1049h", leave: "\x1b[?1049l" };

await terminalTest(
  "readSecret() shows what is typed until it is whole, and leaves none of it",
  async () => {
    const terminal = new TerminalProgram(asking({ isShown: true }));
    await until(() => terminal.shown.includes("Words: "), "the question");
    await terminal.type("zoo\x7fx\u009b2J\r");
    await until(() => terminal.shown.includes("Words: zox\u{fffd}2J"), "the first line");
    await terminal.type("zoo zoo\r");
    assertEquals(await terminal.ended(), 0);
    const [before, after] = terminal.shown.split(OTHER_SCREEN.leave);
    assert(before?.startsWith(OTHER_SCREEN.enter), before);
    assertStringIncludes(after!, "Words: ");
    assert(!after!.includes("zo"), after);
  },
);

await terminalTest(
  "readSecret() shows nothing unless it is told to, and never to a file",
  async () => {
    const file = await Deno.makeTempFile();
    for (const how of [{ isShown: false }, { isShown: true, redirect: `2> ${file}` }]) {
      const terminal = new TerminalProgram(asking(how));
      const said = () => terminal.shown + Deno.readTextFileSync(file);
      await until(() => said().includes("Words: "), "the question");
      await terminal.type("zebra\rzebra\r");
      assertEquals(await terminal.ended(), 0);
      assertStringIncludes(terminal.shown, `read ${btoa("zebra\nzebra")}`);
      assertEquals([said().includes("zebra"), said().includes(OTHER_SCREEN.enter)], [false, false]);
    }
    await Deno.remove(file);
  },
);

await terminalTest("readSecret() gives the terminal back where the person gave up", async () => {
  const terminal = new TerminalProgram(`${asking({ isShown: true })}; stty -a`);
  await until(() => terminal.shown.includes("Words: "), "the question");
  await terminal.type("zebra\x03");
  await terminal.ended();
  const after = terminal.shown.split(OTHER_SCREEN.leave)[1]!;
  assertStringIncludes(after, "read nothing");
  assert(!after.includes("-icanon"), "lines are edited by the terminal again");
});
