/**
 * A recovery phrase as people write it down: 32 bytes as 24 English words (BIP 39), the last of which checks the others.
 *
 * @module
 */
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { PHRASE_WORDS } from "../protocol/phrase_limits.ts";

/** What was typed is no phrase; the message repeats no word. */
export class PhraseError extends RangeError {
  override readonly name = "PhraseError";
  /** Which word is on no list, counted from 1, where it is one of them. */
  readonly word: number | null;

  constructor(message: string, { word, ...options }: ErrorOptions & { word?: number } = {}) {
    super(message, options);
    this.word = word ?? null;
  }
}

/** The words of 32 bytes. */
export function toPhrase(bytes: Uint8Array): string {
  return entropyToMnemonic(bytes, wordlist);
}

/** The words of a phrase that somebody typed. The numbers that people write before them, as in `1. legal 2) winner`, are none. */
export function typedWords(text: string): string[] {
  return text.toLowerCase().replace(/[\d#.,;:)(\]\[-]+/g, " ").trim().split(/\s+/);
}

/**
 * The 32 bytes of a phrase as somebody typed it: in any case, with any blanks between its words, with numbers before them.
 * @throws {PhraseError} For one that does not hold.
 */
export function fromPhrase(text: string): Uint8Array<ArrayBuffer> {
  const words = typedWords(text);
  if (words.length !== PHRASE_WORDS) {
    throw new PhraseError(
      `A recovery phrase has ${PHRASE_WORDS} words, and these are ${words.length}`,
    );
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) {
    const word = unknown + 1;
    throw new PhraseError(`Word ${word} of the recovery phrase is not on the list`, { word });
  }
  try {
    return new Uint8Array(mnemonicToEntropy(words.join(" "), wordlist));
  } catch (cause) {
    throw new PhraseError("The recovery phrase does not hold: a word is wrong, or their order", {
      cause,
    });
  }
}
