/**
 * Makes `openred-<version>.tgz`, the npm package `openred`: the sources, and programs that run them with Deno's own
 * npm package. Usage: `deno task npm-package [FOLDER]`; the folder is `dist` unless named.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import project from "../deno.json" with { type: "json" };
import { DENO_VERSION, launcherOf } from "./npm_launcher.ts";

const ROOT = new URL("..", import.meta.url);
const OUTPUT = Deno.args[0] === undefined
  ? new URL("dist/", ROOT)
  : pathToFileURL(`${resolve(Deno.args[0])}/`);
const STAGE = new URL("openred-npm/", OUTPUT);

/** What runs, and what it says of itself. */
const FOLDERS = [
  "cli",
  "crypto",
  "directory",
  "keeper",
  "modules",
  "peer",
  "ports",
  "process",
  "protocol",
  "relay",
  "std",
  "usage",
];
const FILES = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "deno.json",
  "deno.lock",
  // The roots, and what they load.
  ":(glob)*.ts",
];

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

async function copy(name: string): Promise<void> {
  const to = new URL(name, STAGE);
  await Deno.mkdir(new URL(".", to), { recursive: true });
  await Deno.copyFile(new URL(name, ROOT), to);
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

/** Whatever lies about in a working folder is not published: git says what belongs to the project. */
async function filesOfProject(): Promise<readonly string[]> {
  const listed = await run("git", ["ls-files", "-z", "--", ...FOLDERS, ...FILES], ROOT);
  return listed.split("\0").filter((name) => name !== "");
}

await Deno.remove(STAGE, { recursive: true }).catch(() => {});
await Deno.mkdir(STAGE, { recursive: true });
for (const name of await filesOfProject()) await copy(name);
await writePrograms();
await writeManifest();
const packed = (await run("npm", ["pack", "--silent", "--pack-destination", ".."], STAGE)).trim();
await Deno.remove(STAGE, { recursive: true });
console.log(`Made ${packed}`);
