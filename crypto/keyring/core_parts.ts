/**
 * What the calls of the core share.
 *
 * @module
 */
import type { Aeads } from "../primitives/aead.ts";
import type { Argon2idOptions, Hashes } from "../primitives/hashes.ts";
import type { Keyring } from "./keyring.ts";
import type { Kem } from "../primitives/mlkem.ts";
import type { NoisePrimitives } from "../primitives/noise.ts";
import type { Permutations } from "../primitives/permutations.ts";

/** Returns that many random bytes, in an array of its own. */
export type RandomBytes = (length: number) => Uint8Array;

/** Stretches a secret into a key. */
export type Stretch = (options: Argon2idOptions) => Promise<Uint8Array>;

export interface CoreParts {
  readonly hashes: Hashes;
  readonly aeads: Aeads;
  readonly noise: NoisePrimitives;
  readonly kem: Kem;
  readonly random: RandomBytes;
  readonly stretch: Stretch;
  /** How long stretching has taken so far, in milliseconds. */
  readonly stretchedMs: () => number;
  readonly ring: Keyring;
  /** The methods of modules. */
  readonly permutations: Permutations;
}
