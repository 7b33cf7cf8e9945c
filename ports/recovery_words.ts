/**
 * A recovery phrase as people write it down: 32 bytes as 24 English words (BIP 39), the last of which checks the others.
 *
 * @module
 */
import { entropyToMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";

/** How many words a phrase has. */
export const PHRASE_WORDS = 24;

/** The words of 32 bytes. */
export function toPhrase(bytes: Uint8Array): string {
  return entropyToMnemonic(bytes, wordlist);
}
