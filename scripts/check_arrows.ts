/**
 * Checks who imports whom, and that no file shares a folder's name.
 *
 * Usage: `check_arrows.ts [root]`. Prints every violation and ends with 1 if there is any.
 *
 * @module
 */
import { judgeImport } from "./arrow_rules.ts";
import { findImports } from "./import_statements.ts";

const SKIPPED = new Set(["node_modules", "dist", "vendor", "coverage"]);

export interface Violation {
  readonly file: string;
  readonly line: number;
  /** What is wrong, in a form to print. */
  readonly message: string;
}

interface Tree {
  readonly files: string[];
  readonly folders: Set<string>;
}

/** All source files below a folder, relative to it. */
function readTree(root: string, folder = ""): Tree {
  const tree: Tree = { files: [], folders: new Set(folder === "" ? [] : [folder]) };
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) {
      const inner = readTree(root, path);
      tree.files.push(...inner.files);
      for (const name of inner.folders) tree.folders.add(name);
    } else if (/\.(ts|tsx|js|mjs)$/.test(entry.name)) {
      tree.files.push(path);
    }
  }
  return tree;
}

/** Resolves a specifier of a file: a path in the house, or a package. */
function resolveSpecifier(from: string, specifier: string) {
  if (!/^(\.{1,2}\/|\/|file:)/.test(specifier)) return { package: specifier };
  if (!specifier.startsWith(".")) return { file: "../" };
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return { file: parts.join("/") };
}

function checkFile(root: string, file: string): Violation[] {
  const violations: Violation[] = [];
  for (const { specifier, line } of findImports(Deno.readTextFileSync(`${root}/${file}`))) {
    const why = judgeImport(file, resolveSpecifier(file, specifier));
    if (why !== null) violations.push({ file, line, message: `imports ${specifier}: ${why}` });
  }
  return violations;
}

/** A file and a folder of one name beside each other, the ending aside, or in each other. */
function checkNames({ files, folders }: Tree): Violation[] {
  return files
    .filter((file) => folders.has(file.replace(/\.[a-z]+$/, "")))
    .map((file) => ({ file, line: 1, message: "shares its name with a folder beside it" }));
}

/** Checks all source files below a folder. */
export function checkArrows(root: string): Violation[] {
  const tree = readTree(root);
  const violations = tree.files.toSorted().flatMap((file) => checkFile(root, file));
  return [...violations, ...checkNames(tree)];
}

if (import.meta.main) {
  const violations = checkArrows(Deno.args[0] ?? ".");
  for (const { file, line, message } of violations) console.log(`${file}:${line} ${message}`);
  if (violations.length > 0) Deno.exit(1);
}
