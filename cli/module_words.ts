/**
 * The words that commands about modules take: names, grants, values of options.
 *
 * @module
 */
import * as v from "valibot";
import type { ModuleDetail, ModuleView } from "../protocol/module_api.ts";
import { moduleNameSchema, type ModuleOption } from "../protocol/module_manifest.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure, usageError } from "./command_error.ts";
import type { ArgumentSpec } from "./command.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

export const NAME_WORD: ArgumentSpec = {
  name: "name",
  summary: "the module, as 'module list' prints it",
};
export const GRANT_WORD: ArgumentSpec = {
  name: "grant",
  summary: "peers, fetch:ORIGIN, method:NAME, or folder:NAME:read=/path",
};

const MAX_GRANT_LENGTH = 4_200;
const GRANT_NAME =
  /^(peers|fetch:https:\/\/[^\s=]+|method:[a-z][a-z0-9_]{2,31}|folder:[a-z][a-z0-9_]*:(read|write))$/;
/** As both kinds of systems write one; what a name means in another folder is not the node's to guess. */
const ABSOLUTE_PATH = /^(\/|[A-Za-z]:[\\/])/;
/** Further apart, a name is not a mistyped other one. */
const MAX_DISTANCE = 3;

/** The name of a module. @throws {RangeError} */
export function parseModuleName(text: string): string {
  if (v.is(moduleNameSchema, text)) return text;
  throw new RangeError("expected 3 to 32 of a–z, 0–9 and _, a letter first");
}

/** A grant by its name alone, as it is taken back. @throws {RangeError} */
export function parseGrantName(text: string): string {
  if (GRANT_NAME.test(text) && text.length <= MAX_GRANT_LENGTH) return text;
  throw new RangeError("expected peers, fetch:https://…, method:NAME or folder:NAME:read");
}

/** A grant as it is given: for a folder with its path. @throws {RangeError} */
export function parseGrant(text: string): string {
  const at = text.indexOf("=");
  const name = parseGrantName(at < 0 ? text : text.slice(0, at));
  const path = at < 0 ? null : text.slice(at + 1);
  if (name.startsWith("folder:") !== (path !== null)) {
    throw new RangeError("expected the path of a folder, and of nothing else, behind =");
  }
  if (path !== null) parseFolderPath(path);
  if (text.length > MAX_GRANT_LENGTH) throw new RangeError("expected a shorter path");
  return text;
}

/** An absolute path. @throws {RangeError} */
export function parseFolderPath(text: string): string {
  if (ABSOLUTE_PATH.test(text) && !/\p{Cc}/u.test(text) && text.isWellFormed()) return text;
  throw new RangeError("expected an absolute path, such as /home/me/pictures");
}

function readWord(word: string, parse: (text: string) => string, text = ""): string {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`<${word}>: ${error.message}`);
    throw error;
  }
}

/** @throws {CommandError} Exit code 2. */
export function readModuleName(word?: string): string {
  return readWord("name", parseModuleName, word);
}

/** @throws {CommandError} Exit code 2. */
export function readGrant(word?: string): string {
  return readWord("grant", parseGrant, word);
}

/** @throws {CommandError} Exit code 2. */
export function readGrantName(word?: string): string {
  return readWord("grant", parseGrantName, word);
}

/** In how many places two words differ (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = row[j]! + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

/** "; did you mean …?" for the word that is nearest, or nothing where none is near. */
export function suggest(word: string, known: readonly string[]): string {
  const near = known.map((other) => ({ other, far: distance(word, other) }))
    .filter(({ far }) => far <= MAX_DISTANCE).sort((a, b) => a.far - b.far);
  return near[0] === undefined ? "" : `; did you mean ${near[0].other}?`;
}

/**
 * A module of the node, by exactly its name.
 * @throws {CommandError} Exit code 1, with the name that is nearest.
 */
export async function findModule(node: AdminClient, name: string): Promise<ModuleView> {
  const { modules } = await node.modules();
  const found = modules.find((module) => module.name === name);
  if (found !== undefined) return found;
  const hint = suggest(name, modules.map((module) => module.name));
  throw failure(`There is no module ${name} here${hint === "" ? "; see 'module list'" : hint}`);
}

/**
 * The value of an option as its module takes it.
 * @throws {CommandError} Exit code 1 for an option that the module has not, 2 for a value of another form.
 */
export function readOptionValue(
  { name, manifest }: ModuleDetail,
  { option, text }: { readonly option: string; readonly text: string },
): string | number | boolean {
  if (manifest === null) throw failure(`${name} has never started here: enable it first`);
  const declared = manifest.options.find((other) => other.name === option);
  if (declared !== undefined) return toValue(declared, text);
  const known = manifest.options.map((other) => other.name);
  const list = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  throw failure(`${name} has no option ${sanitizeLine(option)}: ${list}`);
}

function toValue(option: ModuleOption, text: string): string | number | boolean {
  if (option.type === "text") return text;
  if (option.type === "flag") {
    if (text === "1" || text === "true") return true;
    if (text === "0" || text === "false") return false;
    throw usageError("<value>: expected 1, true, 0 or false");
  }
  const number = Number(text);
  const isFit = /^-?\d+(\.\d+)?$/.test(text) && number >= option.min && number <= option.max;
  if (isFit) return number;
  throw usageError(`<value>: expected a number from ${option.min} to ${option.max}`);
}
