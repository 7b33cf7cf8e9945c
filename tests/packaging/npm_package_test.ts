import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { until } from "../world/until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Puts what is written to it together. */
async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  sink: (text: string) => void,
) {
  for await (const part of stream.pipeThrough(new TextDecoderStream())) sink(part);
}

Deno.test("the npm package runs a node, and ends it in order when it is told to", async () => {
  using folder = makeTemporaryDirectory();
  const { path } = folder;
  await run(Deno.execPath(), [
    ...["run", "-A", "--quiet", "--no-check", `--config=${ROOT}deno.json`],
    ...[`${ROOT}scripts/npm_package.ts`, path],
  ], ROOT);
  await Deno.writeTextFile(`${path}/package.json`, "{}");
  const packed = `./openred-${project.version}.tgz`;
  await run("npm", ["install", "--silent", "--no-fund", "--no-audit", packed], path);
  const bin = `${path}/node_modules/.bin`;
  const [first, second = ""] = (await run(`${bin}/openred`, ["--version"], path)).split("\n");
  assertEquals(first, project.version);
  assertMatch(second, /^commit [0-9a-f]{12}.*, Deno \d/);
  assertMatch(await run(`${bin}/openred-central`, ["run", "--help"], path), /--trusted-proxies/);

  const notices = await run(`${bin}/openred`, ["--licenses"], path);
  assertEquals(
    await Deno.readTextFile(`${path}/node_modules/openred/THIRD-PARTY-NOTICES.txt`),
    notices,
  );
  for (const name of ["hash-wasm", "@noble/hashes", "preact", "reflect-metadata", "tslib"]) {
    assertMatch(notices, new RegExp(`^${name} \\d`, "m"));
  }
  for (const name of ["axe-core", "fast-check", "playwright-core"]) {
    assert(!notices.includes(name), name);
  }

  const child = new Deno.Command(`${bin}/openred`, {
    args: [
      ...["run", "--json", "--data", `${path}/data`],
      ...["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
    ],
    cwd: path,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let out = "";
  let err = "";
  const collected = Promise.all([
    collect(child.stdout, (text) => out += text),
    collect(child.stderr, (text) => err += text),
  ]);
  await until(() => out.includes("ready {"), `a node from the npm package: ${err}`);
  child.kill("SIGTERM");
  assertEquals(await child.status.then(({ code }) => code), 0);
  await collected;
  assertMatch(err, /"event":"stopped"/);
});
