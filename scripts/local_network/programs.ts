/**
 * How the two programs are started: from source, or as compiled binaries.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Roots, and the Workers, which none of them imports. */
const SOURCES = [
  "central.ts",
  "node.ts",
  "crypto/worker.ts",
  "crypto/bulk_worker.ts",
  "ports/system_module_outer.ts",
] as const;

export type ProgramName = "central" | "node";

/** Starts programs. */
export interface Programs {
  /** Fetches what is missing, so that no start has to wait for a download. */
  prepare(): Promise<void>;
  /** The command up to, and without, the program's own words. */
  command(program: ProgramName, data: string): readonly string[];
}

/** The one folder, beside its data, whose files a node from source may share and fetch into. */
export function filesOf(data: string): string {
  return `${data}-files`;
}

/** The programs as Deno runs them from source, with the permissions of the binaries and one data directory. */
export const sourcePrograms: Programs = {
  async prepare() {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "cache",
        "--quiet",
        `--config=${ROOT}deno.json`,
        ...SOURCES.map((file) => ROOT + file),
      ],
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr).trim());
  },
  command: (program, data) => [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    // The runtime fetches packages for whoever imports them, whatever their permissions: here it has all there are.
    "--cached-only",
    `--config=${ROOT}deno.json`,
    "--allow-net=127.0.0.1",
    "--allow-env",
    `--allow-read=${data},${filesOf(data)},/dev/null,${ROOT}crypto,${ROOT}ports`,
    `--allow-write=${data},${filesOf(data)}`,
    `${ROOT}${program}.ts`,
  ],
};

/** The compiled programs in a folder. */
export function binaryPrograms(folder: string): Programs {
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return {
    prepare: () => Promise.resolve(),
    command: (program) => [`${folder}/openred-${program}${suffix}`],
  };
}

/** The environment of children: ours without settings of a node, and no proxy before this machine. */
export function childEnvironment(): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("OPENRED_"));
  const noProxy = [Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy"), "127.0.0.1"]
    .filter((part) => part !== undefined && part !== "").join(",");
  return { ...Object.fromEntries(inherited), NO_PROXY: noProxy, no_proxy: noProxy };
}
