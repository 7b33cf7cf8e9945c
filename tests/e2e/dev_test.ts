import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";

const DEV = fileURLToPath(new URL("../../scripts/dev.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

interface DevRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What it left in its folder for temporary files. */
  readonly left: readonly string[];
}

/** Runs `scripts/dev.ts`; `onText` sees what it printed so far and may send it a signal. */
async function runDev(
  args: readonly string[],
  onText: (text: string, process: Deno.ChildProcess) => void = () => {},
): Promise<DevRun> {
  const folder = await Deno.makeTempDir();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--config=${CONFIG}`, DEV, ...args],
    env: { TMPDIR: folder, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A program that hangs is ended, and fails its test.
    signal: AbortSignal.timeout(300_000),
  }).spawn();
  const errText = new Response(process.stderr).text();
  let out = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    onText(out, process);
  }
  const { code } = await process.status;
  const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
  await Deno.remove(folder, { recursive: true });
  return { code, out, err: await errText, left };
}

Deno.test("dev --once shows three sessions and six messages, and leaves nothing behind", async () => {
  const { code, out, err, left } = await runDev(["--once"]);
  assertEquals([code, err, left], [0, "", []]);
  assertEquals(out.match(/ ⇄ .* \w+ +of epoch \d+ +post-quantum/g)?.length, 3);
  assertEquals(out.match(/ → .*acknowledged, round trip [\d.]+ ms/g)?.length, 6);
});

Deno.test("dev prints a message sent with the command it shows, and cleans up on SIGTERM", async () => {
  let sent: Promise<string> | undefined;
  let stopped = false;
  const run = await runDev([], (text, process) => {
    const command = /^ {2}(\/\S+ send .*)$/m.exec(text)?.[1];
    if (command !== undefined && text.includes("Ctrl-C") && sent === undefined) {
      const shell = new Deno.Command("sh", { args: ["-c", command], stdout: "null" });
      sent = shell.output().then(({ stderr }) => new TextDecoder().decode(stderr));
    }
    if (!stopped && text.includes('alice → bob    "Hello"')) {
      stopped = true;
      process.kill("SIGTERM");
    }
  });
  assertEquals(await sent, "");
  assertEquals([run.code, run.err, run.left], [0, "", []]);
});

Deno.test("dev fails and cleans up when a program cannot be started", async () => {
  const folder = await Deno.makeTempDir();
  const { code, err, left } = await runDev(["--once", "--binaries", folder]);
  await Deno.remove(folder);
  assertEquals([code, left], [1, []]);
  assertMatch(err, /openred-central/);
});

Deno.test("dev refuses options it does not know", async () => {
  const { code, err } = await runDev(["--bogus"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "Usage: deno task dev");
});
