/**
 * Waiting: spans that grow with every failure, jittered so that many nodes do not move in step.
 *
 * @module
 */
import type { Random } from "../../ports/ports.ts";

/** A uniform number from 0 up to, not including, 1. */
export function uniform(random: Random): number {
  return new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
}

/** Stretches or shrinks a span by up to `part` of itself. */
export function jitter(random: Random, options: { spanMs: number; part: number }): number {
  return options.spanMs * (1 + options.part * (2 * uniform(random) - 1));
}

/** Doubles from `firstMs` to `lastMs`, each span jittered by a fifth. */
export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #lastMs: number;
  #failures = 0;

  constructor(random: Random, options: { firstMs: number; lastMs: number }) {
    this.#random = random;
    this.#firstMs = options.firstMs;
    this.#lastMs = options.lastMs;
  }

  /** The next span in milliseconds; each is longer than the last up to the limit. */
  next(): number {
    const spanMs = Math.min(this.#lastMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return jitter(this.#random, { spanMs, part: 0.2 });
  }

  reset(): void {
    this.#failures = 0;
  }
}
