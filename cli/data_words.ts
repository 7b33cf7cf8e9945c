/**
 * The data directory in the words of a hint: what a person can type as it stands.
 *
 * @module
 */
import { sanitizeLine } from "../protocol/safe_text.ts";

/** Where a node's data was found. */
export interface FoundData {
  /** Absolute. */
  readonly path: string;
  /** Whether commands find it without `--data`. */
  readonly isDefault: boolean;
  /** What a person should know of where it is, or `null`. */
  readonly note: string | null;
}

/** A path as a shell takes it. */
export function shellWord(path: string): string {
  const safe = sanitizeLine(path);
  return /^[A-Za-z0-9_@%+=:,./\\-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}

/** ` --data DIR` where a command needs it, otherwise nothing. */
export function dataWords({ path, isDefault }: Pick<FoundData, "path" | "isDefault">): string {
  return isDefault ? "" : ` --data ${shellWord(path)}`;
}
