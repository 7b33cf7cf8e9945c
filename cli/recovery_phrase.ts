/**
 * A recovery phrase as somebody typed it.
 *
 * @module
 */
import { mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { Buffer } from "node:buffer";
import { PHRASE_WORDS as WORDS } from "../ports/recovery_words.ts";
import { usageError } from "./command_error.ts";

/** The numbers that people write before words, as in `1. legal 2) winner`, are none of them. */
function wordsOf(content: Uint8Array): string[] {
  const text = Buffer.from(content).toString("utf8").toLowerCase();
  return text.replace(/[\d#.,;:)(\]\[-]+/g, " ").trim().split(/\s+/);
}

/** Whether there are as many words as a phrase has, on however many lines. */
export function hasAllWords(content: Uint8Array): boolean {
  return wordsOf(content).length >= WORDS;
}

/**
 * The 32 bytes of a phrase as somebody typed it: in any case, with any blanks between its words, with numbers before them.
 * @throws {CommandError} Exit code 2; the message repeats no word.
 */
export function parsePhrase(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const words = wordsOf(content);
  if (words.length !== WORDS) {
    throw usageError(`A recovery phrase has ${WORDS} words, and these are ${words.length}`);
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) {
    throw usageError(`Word ${unknown + 1} of the recovery phrase is not on the list`);
  }
  try {
    return new Uint8Array(mnemonicToEntropy(words.join(" "), wordlist));
  } catch {
    throw usageError("The recovery phrase does not hold: a word is wrong, or their order");
  }
}
