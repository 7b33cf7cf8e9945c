/**
 * Recovery phrases that somebody has copied wrongly.
 *
 * @module
 */
import { wordlist } from "@scure/bip39/wordlists/english.js";

/**
 * The words of a phrase of which none is unknown and which does not hold, for certain: its last one has another lowest
 * bit, which is one of those that check the others.
 */
export function mistyped(words: readonly string[]): string[] {
  const last = wordlist.indexOf(words.at(-1)!);
  return words.with(-1, wordlist[last ^ 1]!);
}
