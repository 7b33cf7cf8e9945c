import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { childEnvironment, sourcePrograms } from "../../scripts/local_network/programs.ts";
import { readGuide } from "./guide.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Puts beside the nodes' data what somebody who follows the guide has there. */
async function furnish(folder: string): Promise<void> {
  const command = sourcePrograms.command("node", folder).map((word) => `'${word}'`).join(" ");
  const script = `#!/bin/sh\nexec ${command} "$@"\n`;
  await Deno.writeTextFile(`${folder}/openred-node`, script, { mode: 0o700 });
  for (const name of ["notes", "oracle", "mixer"]) {
    await Deno.mkdir(`${folder}/examples/${name}`, { recursive: true });
    const file = `${name}/${name}.js`;
    await Deno.copyFile(`${EXAMPLES}${file}`, `${folder}/examples/${file}`);
  }
}

/** Runs the commands of the guide that have a name, and holds their output against what it says. */
async function follow(network: LocalNetwork, name: string): Promise<void> {
  const { folder } = network;
  const { script, expected } = await readGuide(name);
  const { PATH = "", ...env } = childEnvironment();
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: folder,
    clearEnv: true,
    env: { ...env, PATH: `${folder}:${PATH}` },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const logs = network.nodes.map(({ name, child }) => `${name}:\n${child.logTail()}`).join("\n");
  assertEquals(code, 0, `${out}${err}${logs}`);
  let at = 0;
  for (const text of expected) {
    const found = out!.indexOf(text, at);
    assertEquals(found >= 0, true, `Expected ${text} in:\n${out}${err}${logs}`);
    at = found + text.length;
  }
}

Deno.test({
  name: "the guide's commands do what docs/MODULES.md says, with three node processes",
  // They are written for a shell.
  ignore: Deno.build.os === "windows",
  async fn(t) {
    await using network = await LocalNetwork.start({
      programs: sourcePrograms,
      names: ["alice", "bob", "carol"],
      onLog: () => {},
      signal: new AbortController().signal,
    });
    await furnish(network.folder);
    for (const name of ["new", "notes", "oracle", "mixer"]) {
      await t.step(name, () => follow(network, name));
    }
  },
});
