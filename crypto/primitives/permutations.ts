/**
 * The methods of modules that are in use, and how a block of theirs is permuted: by whoever holds the module, outside
 * of the core.
 *
 * @module
 * @see docs/PROTOCOL.md, "Methods of modules"
 */
import { equalBytes, wipe } from "./bytes.ts";
import { CRYPTO_METHODS, CryptoError, isModuleMethodName } from "../interface.ts";

/** The length of a block, and of its key. */
export const BLOCK_BYTES = 32;
const CHECKED_BLOCKS = 64;

/** What the permutation of a method is asked for. */
export interface PermutationRequest {
  readonly method: string;
  /** 32 bytes, uniform and used for nothing else. */
  readonly key: Uint8Array;
  /** 32 bytes, uniform: what a method sees says nothing of what is behind the mask. */
  readonly block: Uint8Array;
  readonly inverse: boolean;
}

/**
 * Asks for a block.
 * @returns 32 bytes that nobody else holds; `null` where the method gave none, or not in time.
 */
export type AskPermutation = (request: PermutationRequest) => Promise<Uint8Array | null>;

/** The methods of modules that a core may use. */
export class Permutations {
  readonly #ask: AskPermutation;
  readonly #random: (length: number) => Uint8Array;
  readonly #names = new Set<string>();

  constructor(ask: AskPermutation, random: (length: number) => Uint8Array) {
    this.#ask = ask;
    this.#random = random;
  }

  /** Whether a half of this method can be used: a built-in one always, a module's while it is in use. */
  serves(method: string): boolean {
    return (CRYPTO_METHODS as readonly string[]).includes(method) || this.#names.has(method);
  }

  /**
   * Takes a method into use once its permutation has been undone for 64 random blocks, in both directions. One that is
   * in use is checked anew, and is in use no more where that fails.
   * @throws {CryptoError} `bad_argument` for a name that cannot be; `method_failed`; `method_not_invertible`.
   */
  async admit(method: string): Promise<void> {
    if (!isModuleMethodName(method)) {
      throw new CryptoError("bad_argument", "Expected a name of a method that a module may have");
    }
    this.#names.delete(method);
    for (let round = 0; round < CHECKED_BLOCKS; round++) {
      for (const inverse of [false, true]) await this.#checkRound(method, inverse);
    }
    this.#names.add(method);
  }

  remove(method: string): void {
    this.#names.delete(method);
  }

  /**
   * Permutes a block.
   * @returns 32 bytes, the caller's to wipe.
   * @throws {CryptoError} `method_unknown` for one that is not in use; `method_failed`.
   */
  async permute(request: PermutationRequest): Promise<Uint8Array> {
    if (!this.#names.has(request.method)) {
      throw new CryptoError("method_unknown", "The method is not in use here");
    }
    return await this.#permute(request);
  }

  async #permute(request: PermutationRequest): Promise<Uint8Array> {
    const permuted = await this.#ask(request);
    if (permuted?.length === BLOCK_BYTES) return permuted;
    throw new CryptoError("method_failed", "The method gave no block in time");
  }

  async #checkRound(method: string, inverse: boolean): Promise<void> {
    const [key, block] = [this.#random(BLOCK_BYTES), this.#random(BLOCK_BYTES)];
    const there = await this.#permute({ method, key, block, inverse });
    const back = await this.#permute({ method, key, block: there, inverse: !inverse });
    const isSame = equalBytes(back, block);
    wipe(key, block, there, back);
    if (isSame) return;
    throw new CryptoError("method_not_invertible", "The method does not undo its own permutation");
  }
}
