/**
 * Makes the two binaries, `dist/openred-central` and `dist/openred-node`, with the runtime that runs
 * this script, the notices of the packages in them, and `dist/SHA256SUMS`. What they may do is baked in; nobody is asked at run time.
 *
 * Usage: `deno task compile [--release | --target TARGET…]`. `--release` makes them for every system,
 * each with version and system in its name; the runtime's base for another system is fetched from
 * where it is published.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };
import { BUILD_INFO_FILE, NOTICES_FILE } from "../process/build_info.ts";
import { bundlePrograms, RUNTIME_OPTIONS, WORKER_FILES } from "./program_code.ts";
import { permissionsOf, type Program, PROGRAMS } from "./program_permissions.ts";

const ROOT = new URL("..", import.meta.url);
const CODE_FOLDER = new URL("../dist/code/", import.meta.url);

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/**
 * The Workers' files are named by URLs, where the compiler does not look. Types are checked by
 * `deno task ok`, once and not for every binary. A code cache would lie under a name that anybody can guess in the
 * system's folder for temporary files, and the runtime runs what it finds there, whoever put it there.
 */
const OPTIONS = [
  ...RUNTIME_OPTIONS,
  "--no-code-cache",
  ...[...WORKER_FILES, BUILD_INFO_FILE, NOTICES_FILE].flatMap((file) => ["--include", file]),
];

interface Binary {
  readonly program: Program;
  /** `null`: this machine. */
  readonly target: string | null;
}

/** Its name in `dist/`. */
function nameOf({ program, target }: Binary): string {
  if (target === null) return `openred-${program}`;
  const suffix = target.includes("windows") ? ".exe" : "";
  return `openred-${program}-${project.version}-${target}${suffix}`;
}

/** @throws {Error} If the compiler fails; it has said why. */
async function compile(binary: Binary): Promise<void> {
  const output = `dist/${nameOf(binary)}`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...OPTIONS,
      ...permissionsOf(binary.program),
      ...(binary.target === null ? [] : ["--target", binary.target]),
      "--output",
      fileURLToPath(new URL(output, ROOT)),
      `${binary.program}.js`,
    ],
    cwd: CODE_FOLDER,
    stdin: "null",
  }).spawn().status;
  if (!success) throw new Error(`Could not make ${output}`);
  console.log(`Made ${output}`);
}

/** In the form that `sha256sum --check` reads. */
async function writeSums(names: readonly string[]): Promise<void> {
  const lines = await Promise.all(names.map(async (name) => {
    const hash = createHash("sha256");
    const file = await Deno.open(new URL(`dist/${name}`, ROOT));
    for await (const part of file.readable) hash.update(part);
    return `${hash.digest("hex")}  ${name}\n`;
  }));
  await Deno.writeTextFile(new URL("dist/SHA256SUMS", ROOT), lines.join(""));
}

function readTargets(args: readonly string[]): readonly (string | null)[] {
  if (args.length === 0) return [null];
  if (args.length === 1 && args[0] === "--release") return TARGETS;
  const targets = args.filter((_, index) => index % 2 === 1);
  const isRight = args.every((word, index) =>
    index % 2 === 0 ? word === "--target" : TARGETS.some((target) => target === word)
  );
  if (isRight && targets.length * 2 === args.length) return targets;
  console.error(`Usage: deno task compile [--release | --target TARGET…]\n${TARGETS.join("\n")}`);
  Deno.exit(2);
}

const binaries = readTargets(Deno.args).flatMap((target) =>
  PROGRAMS.map((program): Binary => ({ program, target }))
);
try {
  await bundlePrograms(CODE_FOLDER);
  for (const binary of binaries) await compile(binary);
  await Deno.copyFile(new URL(NOTICES_FILE, CODE_FOLDER), new URL(`dist/${NOTICES_FILE}`, ROOT));
  await writeSums([...binaries.map(nameOf), NOTICES_FILE]);
} finally {
  await Deno.remove(CODE_FOLDER, { recursive: true });
}
