import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SEALED_BYTES = 92;

function start(program: "node.ts" | "central.ts", args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-A", ROOT + program, "run", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a program says that ends by itself. */
async function endOf(child: Deno.ChildProcess): Promise<{ code: number; err: string }> {
  const { code, stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "");
  return { code, err: new TextDecoder().decode(stderr).trimEnd() };
}

/** Waits until a program is ready, and stops it. @returns Its id. */
async function idOf(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(await new Response(child.stderr).text());
    text += value;
  }
  child.kill("SIGTERM");
  await Promise.all([reader.cancel(), new Response(child.stderr).text(), child.status]);
  return JSON.parse(text.slice("ready ".length)).id;
}

Deno.test("run with a passphrase file makes the keys of a first start under it", async () => {
  using folder = makeTemporaryDirectory();
  const [data, file] = [`${folder.path}/data`, `${folder.path}/passphrase`];
  const args = ["--data", data, "--listen", "127.0.0.1:0", "--json"];
  Deno.writeTextFileSync(file, "short\n");
  const short = await endOf(start("node.ts", [...args, "--passphrase-file", file]));
  assertEquals(short.code, 2);
  Deno.writeTextFileSync(file, "a passphrase of the keys\n");
  const id = await idOf(start("node.ts", [...args, "--passphrase-file", file]));
  assertEquals(Deno.statSync(`${data}/node-secret`).size, SEALED_BYTES);
  assertEquals(await endOf(start("node.ts", args)), {
    code: 1,
    err: JSON.stringify({
      code: "failed",
      message: "Passphrase of the node's keys: without a terminal, give --passphrase-file FILE",
    }),
  });
  assertEquals(await idOf(start("node.ts", [...args, "--passphrase-file", file])), id);
});

Deno.test("run says which file cannot be read, with exit code 2", async () => {
  using folder = makeTemporaryDirectory();
  const args = ["--listen", "127.0.0.1:0", "--data", `${folder.path}/data`];
  const file = `${folder.path}/seed`;
  const seeded = ["--rotation", "seeded", "--network-seed-file", file];
  const missing = await endOf(start("node.ts", [...args, ...seeded]));
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.err, `--network-seed-file: cannot read the file ${file}`);
  for (const bytes of [15, 4_097]) {
    Deno.writeFileSync(file, new Uint8Array(bytes));
    for (const program of ["node.ts", "central.ts"] as const) {
      const { code, err } = await endOf(start(program, [...args, ...seeded]));
      assertEquals([program, code], [program, 2], err);
      assertStringIncludes(err, "to 4096");
    }
  }
});

Deno.test("run and openred-central name the database that is damaged, and its directory", async () => {
  using folder = makeTemporaryDirectory();
  const databases = { "node.ts": "node.db", "central.ts": "directory.db" } as const;
  for (const program of ["node.ts", "central.ts"] as const) {
    const data = `${folder.path}/${program}`;
    const args = ["--data", data, "--listen", "127.0.0.1:0", "--json"];
    await idOf(start(program, args));
    Deno.writeFileSync(`${data}/${databases[program]}`, new Uint8Array(5_000).fill(7));
    const { code, err } = await endOf(start(program, args));
    assertEquals(code, 1);
    assertStringIncludes(err, `${databases[program]} in ${data} is damaged; restore`);
  }
});
