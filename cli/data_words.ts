/**
 * The data directory in the words of a hint: what a person can type as it stands.
 *
 * @module
 */
import { shellWord } from "../protocol/safe_text.ts";
import { FAMILIES } from "./program_words.ts";

/** Where a node's data was found. */
export interface FoundData {
  /** Absolute. */
  readonly path: string;
  /** Whether commands find it without `--data`. */
  readonly isDefault: boolean;
  /** What a person should know of where it is, or `null`. */
  readonly note: string | null;
}

const LONGEST_FIRST = Object.keys(FAMILIES).sort((a, b) => b.length - a.length);
const COMMAND = new RegExp(`openred-node (?:(?:${LONGEST_FIRST.join("|")}) )?[a-z][a-z-]*`, "g");

/** Where a command looks for a node; `null` where it looks for none. */
type Found = Pick<FoundData, "path" | "isDefault"> | null;

/** A text of a node, which does not know how it is found, with the `--data` that its commands need here. */
export function withDataWords(text: string, found: Found): string {
  return addDataWords(text, dataWords(found));
}

/** As {@linkcode withDataWords}, with what {@linkcode dataWords} said. */
export function addDataWords(text: string, words: string): string {
  return text.replace(COMMAND, (command) => command + words);
}

/** ` --data DIR` where a command needs it, otherwise nothing. */
export function dataWords(found: Found): string {
  return found === null || found.isDefault ? "" : ` --data ${shellWord(found.path)}`;
}
