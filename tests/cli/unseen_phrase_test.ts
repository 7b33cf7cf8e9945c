import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { MemorySink, runInProcess } from "./command_line.ts";

const NODE = new URL("../../node.ts", import.meta.url).pathname;

/** Runs `init` as a process, with standard output open to nobody, to the null device, or read. */
async function init(
  options: { data: string; stdout: "gone" | "null" | "read"; args?: readonly string[] },
): Promise<{ code: number; out: string; err: string }> {
  const { data, stdout, args = [] } = options;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-A", NODE, "init", "--data", data, ...args],
    stdout: stdout === "null" ? "null" : "piped",
    stderr: "piped",
  }).spawn();
  if (stdout === "gone") await process.stdout.cancel();
  const [err, out] = await Promise.all([
    new Response(process.stderr).text(),
    stdout === "read" ? new Response(process.stdout).text() : "",
  ]);
  return { code: (await process.status).code, out, err };
}

Deno.test("init takes no phrase for shown that nobody could read", async () => {
  using directory = makeTemporaryDirectory();
  const data = `${directory.path}/data`;
  const passphraseFile = `${directory.path}/passphrase`;
  Deno.writeTextFileSync(passphraseFile, "a passphrase of the keys\n");
  const args = ["--passphrase-file", passphraseFile];
  for (const stdout of ["gone", "null"] as const) {
    const { code, err } = await init({ data, stdout, args });
    assertEquals(code, 1);
    assertStringIncludes(err, "the recovery phrase is void");
  }
  const { code, out, err } = await init({ data, stdout: "read", args: ["--json", ...args] });
  assertEquals([code, err], [0, ""]);
  assertEquals(JSON.parse(out).recovery_phrase.split(" ").length, 24);
  assertEquals(Deno.statSync(`${data}/node-secret`).size, 92);
});

Deno.test("a phrase that cannot be written ends the command with 1, and is not kept", async () => {
  class GoneSink extends MemorySink {
    override writeSeen(): Promise<void> {
      return Promise.reject(new Deno.errors.BrokenPipe("Broken pipe"));
    }
  }
  const kept: string[] = [];
  const keeper = {
    init: async (
      { show }: { show: (shown: { id: string; phrase: Uint8Array }) => Promise<void> },
    ) => {
      await show({ id: "z6Mk", phrase: new Uint8Array(32) });
      kept.push("kept");
      return "z6Mk";
    },
  };
  for (const args of [["init"], ["init", "--json"]]) {
    const ports = { out: new GoneSink(), keeper: keeper as never };
    const { code, err } = await runInProcess(args, { ports });
    assertEquals(code, 1);
    assertStringIncludes(err, "(Broken pipe), so that the recovery phrase is void");
  }
  assertEquals(kept, []);
});
