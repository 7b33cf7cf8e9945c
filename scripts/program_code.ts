/**
 * Puts the code of both programs, with that of their packages, into few files: each of some 700 modules would be looked
 * up, read and kept by itself at every start. What is loaded late stays in files of its own. Names are left as they are,
 * so that what is told of an error can be read.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };
import { PROGRAMS } from "./program_permissions.ts";

const ROOT = new URL("..", import.meta.url);

/** Where the code is put. */
export const CODE_FOLDER = new URL("../dist/code/", import.meta.url);

/**
 * Each is one file with nothing beside it, so that its modules run in the order in which they are imported: the guard of
 * the crypto Worker comes first.
 */
const WORKERS = [
  "crypto/worker",
  "crypto/bulk_worker",
  "directory_thread",
  "ports/system_checkpoint_thread",
  "ports/system_module_outer",
] as const;

/** The programs look for their Workers beside their own files, under the names of the sources. */
export const WORKER_FILES: readonly string[] = WORKERS.map((path) => `${lastOf(path)}.ts`);

/** The bundler of an older runtime (tried: 2.4.2) cannot read these; there they stay packages beside the code. */
const UNREADABLE = ["@redis/client", "@simplewebauthn/server"] as const;
const READING_VERSION = "2.9";

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function unreadable(): readonly (typeof UNREADABLE[number])[] {
  const order = Deno.version.deno.localeCompare(READING_VERSION, "en", { numeric: true });
  return order < 0 ? UNREADABLE : [];
}

async function bundle(args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...args],
    cwd: ROOT,
    stdin: "null",
  }).spawn().status;
  if (!success) throw new Error(`Could not bundle ${args.at(-1)}`);
}

/** Lets the packages that are left be found, in the versions of the lock file. */
async function writeConfiguration(packages: readonly (typeof UNREADABLE[number])[]): Promise<void> {
  const imports = Object.fromEntries(packages.map((name) => [name, project.imports[name]]));
  await Deno.writeTextFile(new URL("deno.json", CODE_FOLDER), JSON.stringify({ imports }));
  await Deno.copyFile(new URL("deno.lock", ROOT), new URL("deno.lock", CODE_FOLDER));
}

/**
 * Makes the folder anew, with `central.js`, `node.js` and the files of the Workers.
 * @throws {Error} If the bundler fails.
 */
export async function bundlePrograms(): Promise<void> {
  await Deno.remove(CODE_FOLDER, { recursive: true }).catch(() => {});
  await Deno.mkdir(CODE_FOLDER, { recursive: true });
  const packages = unreadable();
  const programs = PROGRAMS.map((program) => `${program}.ts`);
  const left = packages.flatMap((name) => ["--external", name]);
  await bundle([...left, "--code-splitting", "--outdir", "dist/code", ...programs]);
  for (const path of WORKERS) {
    const name = lastOf(path);
    await bundle(["--output", `dist/code/${name}.js`, `${path}.ts`]);
    await Deno.writeTextFile(new URL(`${name}.ts`, CODE_FOLDER), `import "./${name}.js";\n`);
  }
  await writeConfiguration(packages);
}
