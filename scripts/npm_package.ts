/**
 * Makes `openred-<version>.tgz`, the npm package `openred`: the code of both programs, in few files, and what runs it
 * with Deno's own npm package. Usage: `deno task npm-package [FOLDER]`; the folder is `dist` unless named.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import project from "../deno.json" with { type: "json" };
import { DENO_VERSION, launcherOf } from "./npm_launcher.ts";
import { bundlePrograms } from "./program_code.ts";

const ROOT = new URL("..", import.meta.url);
const OUTPUT = Deno.args[0] === undefined
  ? new URL("dist/", ROOT)
  : pathToFileURL(`${resolve(Deno.args[0])}/`);
const STAGE = new URL("openred-npm/", OUTPUT);

/** What else it says of itself. */
const FILES = ["CHANGELOG.md", "LICENSE", "README.md"] as const;

async function run(program: string, args: readonly string[], cwd: URL): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

async function writePrograms(): Promise<void> {
  await Deno.mkdir(new URL("bin", STAGE));
  for (const program of ["node", "central"] as const) {
    await Deno.writeTextFile(new URL(`bin/openred-${program}.mjs`, STAGE), launcherOf(program), {
      mode: 0o755,
    });
  }
}

async function writeManifest(): Promise<void> {
  const manifest = {
    name: "openred",
    version: project.version,
    description: "Nodes that people run themselves, end-to-end encrypted",
    license: project.license,
    type: "module",
    bin: {
      "openred": "bin/openred-node.mjs",
      "openred-node": "bin/openred-node.mjs",
      "openred-central": "bin/openred-central.mjs",
    },
    dependencies: { deno: DENO_VERSION },
    engines: { node: ">=18" },
  };
  await Deno.writeTextFile(new URL("package.json", STAGE), JSON.stringify(manifest, null, 2));
}

const left = await bundlePrograms(STAGE);
if (left.length > 0) throw new Error(`Deno ${DENO_VERSION} makes it: this one leaves ${left} out`);
// What it needs of the runtime is said by the programs: there are no packages to find.
for (const name of ["deno.json", "deno.lock"]) await Deno.remove(new URL(name, STAGE));
for (const name of FILES) await Deno.copyFile(new URL(name, ROOT), new URL(name, STAGE));
await writePrograms();
await writeManifest();
const packed = (await run("npm", ["pack", "--silent", "--pack-destination", ".."], STAGE)).trim();
await Deno.remove(STAGE, { recursive: true });
console.log(`Made ${packed}`);
