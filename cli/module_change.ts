/**
 * What becomes of the data of a module whose name another file has.
 *
 * @module
 */
import type { ModuleLoad, ModuleView } from "../protocol/module_api.ts";
import { failure, usageError } from "./command_error.ts";
import { switchOption } from "./options.ts";

export type Change = ModuleLoad["change"];

export const CHANGE_OPTIONS = {
  upgrade: switchOption({
    flag: "upgrade",
    summary: "let a newer version of a module that is here have its data",
  }),
  downgrade: switchOption({
    flag: "downgrade",
    summary: "let an older version have the data",
  }),
  fresh: switchOption({
    flag: "fresh",
    summary: "delete the data that a module of this name has here",
  }),
};

/** Numbers that a version begins with; none where it begins with something else. */
function numbersOf(version: string): readonly number[] {
  return /^\d+(\.\d+)*/.exec(version)?.[0].split(".").map(Number) ?? [];
}

/** Whether a version is older than another one, as far as the numbers they begin with tell. */
export function isOlder(version: string, other: string): boolean {
  const [numbers, others] = [numbersOf(version), numbersOf(other)];
  if (numbers.length === 0 || others.length === 0) return false;
  for (let at = 0; at < Math.max(numbers.length, others.length); at += 1) {
    const difference = (numbers[at] ?? 0) - (others[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** @throws {CommandError} Exit code 2 for more than one. @returns `null` for none. */
export function givenChange(
  options: { readonly upgrade: boolean; readonly downgrade: boolean; readonly fresh: boolean },
): Exclude<Change, "new"> | null {
  const given = (["upgrade", "downgrade", "fresh"] as const).filter((name) => options[name]);
  if (given.length > 1) throw usageError("Give one of --upgrade, --downgrade and --fresh");
  return given[0] ?? null;
}

/** What replacing a module is called. */
export function kindOfChange(held: ModuleView, version: string): "upgrade" | "downgrade" {
  return isOlder(version, held.version) ? "downgrade" : "upgrade";
}

/**
 * Holds what was given against what it would be.
 * @throws {CommandError} Exit code 1 for an upgrade to an older version, or the other way round.
 */
export function checkChange(
  given: Exclude<Change, "new">,
  { held, version }: { readonly held: ModuleView; readonly version: string },
): Change {
  const isOlderHere = isOlder(version, held.version);
  const isNewerHere = isOlder(held.version, version);
  const isWrong = (given === "upgrade" && isOlderHere) || (given === "downgrade" && isNewerHere);
  if (!isWrong) return given;
  const right = given === "upgrade" ? "downgrade" : "upgrade";
  const how = isOlderHere ? "older" : "newer";
  throw failure(`${version} is ${how} than ${held.version}, which is here: say --${right}`);
}
