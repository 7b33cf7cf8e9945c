/**
 * Safety numbers: what two people compare to know that nobody stands between them. Both nodes' ids in order, hashed, so
 * that both see the same.
 *
 * @module
 */
import { wordlist } from "@scure/bip39/wordlists/english.js";

const DOMAIN = "openred-safety-number";
const WORDS = 8;
const WORD_BITS = 11;

/** A hash as a picture: half of a square field, mirrored. */
export interface SafetyPicture {
  /** Rows of cells: 0 for none, 1 and 2 for the two colours. */
  readonly cells: readonly (readonly number[])[];
  readonly hue: number;
}

export interface SafetyNumber {
  /** The same in every language: 88 bits. */
  readonly words: readonly string[];
  readonly picture: SafetyPicture;
}

/** @param own One id. @param peer The other one; which is which does not matter. */
export async function safetyNumber(own: string, peer: string): Promise<SafetyNumber> {
  const text = [DOMAIN, ...[own, peer].sort()].join("\0");
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const words = Array.from(
    { length: WORDS },
    (_, at) => wordlist[Number.parseInt(bits.slice(at * WORD_BITS, (at + 1) * WORD_BITS), 2)]!,
  );
  return { words, picture: pictureOf(bits.slice(WORDS * WORD_BITS)) };
}

function pictureOf(bits: string): SafetyPicture {
  const [size, half] = [9, 5];
  const cells = Array.from({ length: size }, (_, row) => {
    const left = Array.from({ length: half }, (_, column) => {
      const at = 2 * (row * half + column);
      return [0, 1, 0, 2][Number.parseInt(bits.slice(at, at + 2), 2)]!;
    });
    return [...left, ...left.slice(0, -1).reverse()];
  });
  return { cells, hue: Math.floor(Number.parseInt(bits.slice(90, 98), 2) * 360 / 256) };
}
