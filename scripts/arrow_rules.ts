/**
 * Who may import whom (docs/ARCHITECTURE.md, "Arrows").
 *
 * @module
 */

/** The composition roots: they import everything, and nothing imports them. */
const ROOTS = ["central.ts", "node.ts"] as const;
/** Folders that run beside the product and may import all of it. */
const FREE_FOLDERS: readonly string[] = ["scripts", "tests", "bench", "examples"];

/** The parts of the crypto core that others see: its interface and what is pure. */
const CRYPTO_INTERFACE = [
  "crypto/interface.ts",
  "crypto/encoding.ts",
  "crypto/common_methods.ts",
] as const;

/** What the files of a folder may import of the house, besides their own folder. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  crypto: [],
  protocol: [...CRYPTO_INTERFACE],
  ports: ["protocol/", ...CRYPTO_INTERFACE],
  directory: ["protocol/", "ports/", "usage/", ...CRYPTO_INTERFACE],
  peer: ["protocol/", "ports/", "modules/api.ts", ...CRYPTO_INTERFACE],
  modules: ["modules/api.ts", "protocol/", "crypto/encoding.ts"],
  cli: ["protocol/", "ports/", "usage/"],
  keeper: [
    "cli/command_error.ts",
    "cli/node_keeper.ts",
    "peer/",
    "protocol/",
    "ports/",
    "crypto/client.ts",
    ...CRYPTO_INTERFACE,
  ],
  process: ["protocol/", "ports/", "crypto/client.ts", ...CRYPTO_INTERFACE],
  std: [],
  usage: [],
};

/** The packages that a folder may import; a folder not named here may import any. */
const ALLOWED_PACKAGES: Readonly<Record<string, readonly RegExp[]>> = {
  protocol: [/^valibot$/, /^npm:valibot(@|$)/],
};

/** The real ports: passed in by the roots, so that the simulation can pass in others. */
const REAL_PORTS = /^ports\/system[^/]*\.ts$/;
const TAKES_PORTS = new Set(["cli", "directory", "peer", "modules"]);

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

/** A module is a folder of its own within `modules/`. */
function homeOf(path: string): string {
  const [folder, module, ...rest] = path.split("/");
  return folder === "modules" && rest.length > 0 ? `${folder}/${module}/` : `${folder}/`;
}

/** Whether a file is part of what ships. */
export function isProduct(path: string): boolean {
  return !FREE_FOLDERS.includes(folderOf(path));
}

/**
 * Judges one import.
 * @param from Path of the importing file, relative to the root.
 * @param to Path of the imported file in the same form, or the name of a package.
 * @returns Why it is wrong, or `null`.
 */
export function judgeImport(
  from: string,
  to: { readonly file: string } | { readonly package: string },
): string | null {
  const folder = folderOf(from);
  if ("package" in to) {
    const allowed = ALLOWED_PACKAGES[folder];
    if (allowed === undefined || allowed.some((pattern) => pattern.test(to.package))) return null;
    return `${folder}/ may import valibot only`;
  }
  if (to.file.startsWith("../")) return "it lies outside of the house";
  if ((ROOTS as readonly string[]).includes(to.file)) return "nothing imports a root";
  if (folder === "" || FREE_FOLDERS.includes(folder)) return null;
  const allowed = ALLOWED[folder];
  if (allowed === undefined) return `the folder ${folder}/ has no rule in scripts/arrow_rules.ts`;
  if (to.file.startsWith(homeOf(from))) return null;
  if (TAKES_PORTS.has(folder) && REAL_PORTS.test(to.file)) {
    return `${folder}/ has its ports passed in`;
  }
  const fits = allowed.some((path) =>
    path.endsWith("/") ? to.file.startsWith(path) : to.file === path
  );
  if (fits) return null;
  return allowed.length === 0
    ? `${folder}/ may import itself only`
    : `${homeOf(from)} may import only itself, ${allowed.join(", ")}`;
}
