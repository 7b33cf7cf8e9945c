/**
 * Checks who imports whom, that nothing imports itself over others, and that no file shares a folder's name.
 *
 * Usage: `check_arrows.ts [root]`. Prints every violation and ends with 1 if there is any.
 *
 * @module
 */
import { isProduct, judgeImport } from "./arrow_rules.ts";
import { findCycles, type Imports, importsOfRooms } from "./import_cycles.ts";
import { findImports, type ImportStatement } from "./import_statements.ts";

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

function checkFile(file: string, statements: readonly ImportStatement[]): Violation[] {
  const violations: Violation[] = [];
  for (const { specifier, line } of statements) {
    const why = judgeImport(file, resolveSpecifier(file, specifier));
    if (why !== null) violations.push({ file, line, message: `imports ${specifier}: ${why}` });
  }
  return violations;
}

/** Who imports whom among the files that ship. */
function importsOf(statements: ReadonlyMap<string, readonly ImportStatement[]>): Imports {
  const imports = new Map<string, Set<string>>();
  for (const [file, found] of statements) {
    if (!isProduct(file)) continue;
    const targets = found.map(({ specifier }) => resolveSpecifier(file, specifier));
    imports.set(file, new Set(targets.flatMap((to) => "file" in to ? [to.file] : [])));
  }
  return imports;
}

/** Cycles of files, and of rooms that import each other although no file of theirs does. */
function checkCycles(imports: Imports): Violation[] {
  return [...findCycles(imports), ...findCycles(importsOfRooms(imports))].map((cycle) => ({
    file: cycle[0]!,
    line: 1,
    message: `imports itself: ${[...cycle, cycle[0]].join(" → ")}`,
  }));
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
  const statements = new Map(
    tree.files.toSorted().map((file) => [
      file,
      findImports(Deno.readTextFileSync(`${root}/${file}`)),
    ]),
  );
  return [
    ...[...statements].flatMap(([file, found]) => checkFile(file, found)),
    ...checkCycles(importsOf(statements)),
    ...checkNames(tree),
  ];
}

if (import.meta.main) {
  const violations = checkArrows(Deno.args[0] ?? ".");
  for (const { file, line, message } of violations) console.log(`${file}:${line} ${message}`);
  if (violations.length > 0) Deno.exit(1);
}
