import { assertEquals, assertStringIncludes } from "@std/assert";

const QUESTION = JSON.stringify(import.meta.resolve("../../ports/system_question.ts"));
const SIGNALS = JSON.stringify(import.meta.resolve("../../process/signals.ts"));
/** Says what was typed, or that the person pressed Ctrl-C. */
const PROGRAM = `
  import { askLine } from ${QUESTION};
  import { stopOnSignals } from ${SIGNALS};
  const stop = new AbortController();
  stopOnSignals(stop);
  stop.signal.addEventListener("abort", () => { console.log("stopped"); Deno.exit(130); });
  console.log("typed " + JSON.stringify(await askLine("Really? ")));
  Deno.exit(0);
`;
const ARGS = [
  "run",
  "--no-check",
  "--no-prompt",
  "-A",
  `data:application/typescript,${encodeURIComponent(PROGRAM)}`,
];

/** Whether there is the program that gives others a terminal, as util-linux has it. */
async function hasTerminal(): Promise<boolean> {
  try {
    const command = new Deno.Command("script", { args: ["--version"], stdout: "piped" });
    return new TextDecoder().decode((await command.output()).stdout).includes("util-linux");
  } catch {
    return false;
  }
}

/** Types something on a terminal once the question is there. @returns What the terminal showed. */
async function type(keys: string): Promise<string> {
  const words = [Deno.execPath(), ...ARGS].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", words.join(" "), "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  let shown = "";
  let isAsked = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    if (isAsked || !shown.includes("Really? ")) continue;
    isAsked = true;
    await writer.write(new TextEncoder().encode(keys));
  }
  await child.status;
  await writer.close().catch(() => {});
  return shown;
}

Deno.test("askLine() asks nobody where there is no terminal", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ARGS }).output();
  assertEquals(new TextDecoder().decode(stdout), "typed null\n");
  assertEquals(new TextDecoder().decode(stderr).includes("Really?"), false);
});

Deno.test({
  name: "askLine() reads one line of a terminal, and Ctrl-C gives nobody half of it",
  ignore: !await hasTerminal(),
  async fn() {
    assertStringIncludes(await type("yes\nno\n"), 'typed "yes"');
    assertStringIncludes(await type("\n"), 'typed ""');
    assertStringIncludes(await type("ye\x03"), "stopped");
  },
});
