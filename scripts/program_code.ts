/**
 * Puts the code of both programs, with that of their packages, into few files: each of some 700 modules would be looked
 * up, read and kept by itself at every start. What is loaded late stays in files of its own. Names are left as they are,
 * so that what is told of an error can be read.
 *
 * @module
 */
import { fileURLToPath, pathToFileURL } from "node:url";
import project from "../deno.json" with { type: "json" };
import { BUILD_INFO_FILE, type BuildInfo, NOTICES_FILE } from "../process/build_info.ts";
import { PAGE_FILES } from "./page_files.ts";
import { PROGRAMS } from "./program_permissions.ts";
import { packagesIn, thirdPartyNotices } from "./third_party_notices.ts";

const ROOT = new URL("..", import.meta.url);

/** What the programs need of the runtime, which they have from `deno.json` when they run from source. */
export const RUNTIME_OPTIONS = [
  "--no-check",
  "--unstable-net",
  "--unstable-worker-options",
] as const;

/**
 * Each is one file with nothing beside it, so that its modules run in the order in which they are imported: the guard of
 * the crypto Worker comes first.
 */
export const WORKERS = [
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
async function writeConfiguration(
  folder: URL,
  packages: readonly (typeof UNREADABLE[number])[],
): Promise<void> {
  const imports = Object.fromEntries(packages.map((name) => [name, project.imports[name]]));
  await Deno.writeTextFile(new URL("deno.json", folder), JSON.stringify({ imports }));
  await Deno.copyFile(new URL("deno.lock", ROOT), new URL("deno.lock", folder));
}

/** The page is in the programs as text, minified: here it is made as it can be read. */
async function pagePackages(): Promise<ReadonlySet<string>> {
  const folder = pathToFileURL(`${await Deno.makeTempDir({ prefix: "openred-page-" })}/`);
  try {
    for (const [made, source] of Object.entries(PAGE_FILES)) {
      const output = fileURLToPath(new URL(made, folder));
      const path = `modules/console/page/${source}`;
      await bundle(["--platform", "browser", "--output", output, path]);
    }
    return await bundledPackages(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function bundledPackages(folder: URL): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".js")) continue;
    const code = await Deno.readTextFile(new URL(name, folder));
    for (const path of packagesIn(code, ROOT)) found.add(path);
  }
  return found;
}

interface ModuleGraph {
  readonly npmCache: string;
  readonly npmPackages: Readonly<
    Record<string, {
      readonly name: string;
      readonly version: string;
      readonly registryUrl: string;
      /** Names in this list. */
      readonly dependencies: readonly string[];
    }>
  >;
}

async function describe(args: readonly string[]): Promise<ModuleGraph> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", ...args],
    cwd: ROOT,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Could not list the packages of ${args.at(-1)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Of packages that are not bundled, with all that they pull in. */
async function leftPackages(names: readonly (typeof UNREADABLE[number])[]): Promise<string[]> {
  const { npmCache } = await describe([]);
  const graphs = await Promise.all(names.map(async (name) => {
    const { npmPackages } = await describe([project.imports[name]]);
    // The runtime lists all packages of the configuration.
    const roots = Object.keys(npmPackages).filter((key) => npmPackages[key]?.name === name);
    if (roots.length === 0) throw new Error(`Could not list the packages of ${name}`);
    const reached = new Set(roots);
    for (const key of reached) {
      for (const next of npmPackages[key]?.dependencies ?? []) reached.add(next);
    }
    return Array.from(reached, (key) => npmPackages[key]!);
  }));
  return graphs.flat().map(({ name, version, registryUrl }) =>
    pathToFileURL(`${npmCache}/${new URL(registryUrl).host}/${name}/${version}/`).href
  );
}

/** @throws {Error} If a package has no text of its licence, or none was found. */
async function writeNotices(
  folder: URL,
  left: readonly (typeof UNREADABLE[number])[],
): Promise<void> {
  const bundled = [...await bundledPackages(folder), ...await pagePackages()];
  if (bundled.length === 0) throw new Error("The bundler no longer says whose code it keeps");
  const notices = await thirdPartyNotices(new Set([...bundled, ...await leftPackages(left)]));
  await Deno.writeTextFile(new URL(NOTICES_FILE, folder), notices);
}

/** @returns `null` where there is no git, or no repository. */
async function git(...args: readonly string[]): Promise<string | null> {
  const command = new Deno.Command("git", { args: [...args], cwd: ROOT, stderr: "null" });
  const output = await command.output().catch(() => null);
  return output?.success ? new TextDecoder().decode(output.stdout).trim() : null;
}

async function readBuildInfo(): Promise<BuildInfo> {
  const commit = await git("rev-parse", "HEAD");
  const isChanged = (await git("status", "--porcelain", "--untracked-files=no") ?? "") !== "";
  return {
    commit: commit === null ? null : commit + (isChanged ? "+" : ""),
    date: await git("show", "-s", "--format=%cI", "HEAD"),
  };
}

/**
 * Makes a folder anew, with `central.js`, `node.js`, the files of the Workers, of what all that was made, and the notices of
 * the packages in it.
 * @returns Packages that are left out of it, and are to be found by the `deno.json` and `deno.lock` there.
 * @throws {Error} If the bundler fails, or a package has no text of its licence.
 */
export async function bundlePrograms(folder: URL): Promise<readonly string[]> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  // An older runtime changes the lock file when it bundles.
  const info = await readBuildInfo();
  const packages = unreadable();
  const programs = PROGRAMS.map((program) => `${program}.ts`);
  const left = packages.flatMap((name) => ["--external", name]);
  await bundle([...left, "--code-splitting", "--outdir", fileURLToPath(folder), ...programs]);
  for (const path of WORKERS) {
    const name = lastOf(path);
    await bundle(["--output", fileURLToPath(new URL(`${name}.js`, folder)), `${path}.ts`]);
    await Deno.writeTextFile(new URL(`${name}.ts`, folder), `import "./${name}.js";\n`);
  }
  await Deno.writeTextFile(new URL(BUILD_INFO_FILE, folder), JSON.stringify(info));
  await writeNotices(folder, packages);
  await writeConfiguration(folder, packages);
  return packages;
}
