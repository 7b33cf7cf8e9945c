import { assertEquals } from "@std/assert";

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
