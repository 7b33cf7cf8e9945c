import { assert, assertEquals } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { until } from "../world/until.ts";
import { runCentral, startCentral } from "./central_process.ts";

const ROOT = new URL("../../", import.meta.url);

function startNode(data: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      ...["run", "-A", "--no-prompt", "node.ts", "run", "--listen", "127.0.0.1:0", "--data", data],
      ...["--console-listen", "off", "--allow-private", "--json", ...args],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

Deno.test("A node registers with a directory of invited nodes by the file of its key", async () => {
  using central = makeTemporaryDirectory();
  using node = makeTemporaryDirectory();
  const keys = (...args: string[]) => runCentral(["keys", ...args, "--data", central.path]);
  const args = ["--invite-only", "--allow-private"];
  const running = await startCentral(central.path, { args });
  const { out, code } = await keys("add", "--note", "carol");
  const key = out.trim();
  assertEquals([code, key.startsWith("openred-key-")], [0, true]);
  const file = `${node.path}/keys`;
  Deno.writeTextFileSync(file, `# mine\n${running.url} ${key}\n`);

  const child = startNode(`${node.path}/data`, [
    ...["--directories", running.url, "--directory-key-file", file],
  ]);
  const health = () => fetch(`${running.url}/api/v3/health`).then((answer) => answer.json());
  await until(async () => (await health()).nodes === 1, "the node is registered");
  assert((await keys("list")).out.includes("1 of 1 used"));
  child.kill("SIGTERM");
  const { stderr } = await child.output();
  const ended = await running.end("SIGTERM");
  assertEquals(ended.code, 0, ended.err);
  assert(ended.err.includes("key_used"));
  for (const log of [ended.err, new TextDecoder().decode(stderr)]) assert(!log.includes(key));

  Deno.writeTextFileSync(file, `${key} and more\n`);
  const refused = await startNode(`${node.path}/data`, ["--directory-key-file", file]).output();
  const said = new TextDecoder().decode(refused.stderr);
  assertEquals(refused.code, 2, said);
  assert(said.includes("--directory-key-file") && !said.includes(key), said);
});
