import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CommandError } from "../../cli/command_error.ts";
import { createNodeKeeper } from "../../keeper/node_keeper.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { CHEAP_COST } from "../world/cores.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const keeper = createNodeKeeper({ version: "test", keystoreCost: CHEAP_COST });
const none = () => Promise.reject(new Error("Nothing is asked for"));
const passphrase = () => new TextEncoder().encode("a long passphrase");

async function makeNode(data: string): Promise<void> {
  const show = () => Promise.resolve();
  await keeper.init({ data, askPassphrase: none, askNewPassphrase: null, show });
}

async function run(
  program: "node.ts" | "central.ts",
  args: readonly string[],
): Promise<{ code: number; err: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-A", ROOT + program, ...args],
    stdin: "null",
    // A program that takes the folder would go on for ever.
    signal: AbortSignal.timeout(120_000),
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

function stateOf(folder: string): unknown {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return [Deno.statSync(folder).mode! & 0o7777, names];
}

Deno.test("no command changes a folder of others or leaves anything there", async () => {
  using folder = makeTemporaryDirectory();
  const [shared, file] = [`${folder.path}/shared`, `${folder.path}/passphrase`];
  Deno.writeTextFileSync(file, "a long passphrase");
  Deno.mkdirSync(shared);
  Deno.writeTextFileSync(`${shared}/README`, "theirs");
  const secret = ["--passphrase-file", file];
  const listen = ["--listen", "127.0.0.1:0"];
  const commands: [number, "node.ts" | "central.ts", string[]][] = [
    [0o1777, "node.ts", ["backup", `${folder.path}/a.orb`, ...secret]],
    [0o755, "node.ts", ["passphrase", "set", ...secret]],
    [0o755, "node.ts", ["run", ...listen]],
    [0o1777, "central.ts", ["run", ...listen]],
  ];
  for (const [mode, program, words] of commands) {
    Deno.chmodSync(shared, mode);
    const { code, err } = await run(program, [...words, "--data", shared]);
    assertEquals([words[0], code], [words[0], 1]);
    assert(/is no data directory|there is no node in/.test(err), err);
    assertEquals(stateOf(shared), [mode, ["README"]]);
  }
});

Deno.test("what needs a node leaves a folder without one as it is, whoever may look into it", async () => {
  using folder = makeTemporaryDirectory();
  const data = folder.path;
  for (const name of [".env", "package.json"]) Deno.writeTextFileSync(`${data}/${name}`, "");
  for (const mode of [0o700, 0o755]) {
    Deno.chmodSync(data, mode);
    await assertRejects(
      () => keeper.backUp({ data, file: null, passphrase: passphrase() }),
      CommandError,
      `there is no node in ${data}`,
    );
    assertEquals(stateOf(data), [mode, [".env", "package.json"]]);
  }
});

Deno.test("a node's file that is a link is refused by name before anything else happens", async () => {
  using folder = makeTemporaryDirectory();
  const [data, elsewhere] = [`${folder.path}/node`, `${folder.path}/elsewhere`];
  await makeNode(data);
  Deno.writeTextFileSync(`${data}/audit-000001.jsonl`, "");
  for (const name of ["audit-000001.jsonl", "node-secret", "keystore", "node.db"]) {
    Deno.renameSync(`${data}/${name}`, elsewhere);
    Deno.symlinkSync(elsewhere, `${data}/${name}`);
    const before = Deno.readFileSync(elsewhere);
    await assertRejects(
      () => keeper.backUp({ data, file: null, passphrase: passphrase() }),
      CommandError,
      `${name} in ${data} is a link`,
    );
    assertEquals(Deno.readFileSync(elsewhere), before);
    Deno.removeSync(`${data}/${name}`);
    Deno.renameSync(elsewhere, `${data}/${name}`);
  }
});

Deno.test("passphrase set refuses a secret that another name would keep readable", async () => {
  using folder = makeTemporaryDirectory();
  const [data, file] = [`${folder.path}/node`, `${folder.path}/passphrase`];
  Deno.writeTextFileSync(file, "a long passphrase");
  await makeNode(data);
  const set = ["passphrase", "set", "--data", data, "--passphrase-file", file];
  Deno.linkSync(`${data}/node-secret`, `${folder.path}/copy`);
  const refused = await run("node.ts", set);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "node-secret has another name");
  assertEquals(Deno.statSync(`${data}/node-secret`).size, 32);
  Deno.removeSync(`${folder.path}/copy`);
  assertEquals((await run("node.ts", set)).code, 0);
});
