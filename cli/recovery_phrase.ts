/**
 * A recovery phrase as somebody typed it on a terminal, or wrote it to a file.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { fromPhrase, PhraseError, typedWords } from "../ports/recovery_words.ts";
import { PHRASE_WORDS } from "../protocol/phrase_limits.ts";
import { usageError } from "./command_error.ts";

function textOf(content: Uint8Array): string {
  return Buffer.from(content).toString("utf8");
}

/** Whether there are as many words as a phrase has, on however many lines. */
export function hasAllWords(content: Uint8Array): boolean {
  return typedWords(textOf(content)).length >= PHRASE_WORDS;
}

/**
 * The 32 bytes of a phrase.
 * @throws {CommandError} Exit code 2; the message repeats no word.
 */
export function parsePhrase(content: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return fromPhrase(textOf(content));
  } catch (cause) {
    throw cause instanceof PhraseError ? usageError(cause.message) : cause;
  }
}
