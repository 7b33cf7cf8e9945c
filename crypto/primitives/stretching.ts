/**
 * Argon2id as the core uses it: how long it took is known, and whoever runs the core hears when its memory lies about.
 *
 * @module
 */
import { argon2id, type Argon2idOptions } from "./hashes.ts";

/** From here on it matters when the runtime gives the memory back. */
const LARGE_KIB = 2 ** 13;

/** Stretches secrets with Argon2id. */
export class Stretching {
  readonly #onGarbage: () => void;
  #spentMs = 0;

  /** @param onGarbage Called after each use of much memory, which nobody refers to any more. */
  constructor(onGarbage: () => void) {
    this.#onGarbage = onGarbage;
  }

  /** How long all calls together have taken so far. */
  get spentMs(): number {
    return this.#spentMs;
  }

  readonly stretch = async (options: Argon2idOptions): Promise<Uint8Array> => {
    const startMs = performance.now();
    try {
      return await argon2id(options);
    } finally {
      this.#spentMs += performance.now() - startMs;
      if (options.memoryKiB >= LARGE_KIB) this.#onGarbage();
    }
  };
}
