/**
 * How much of the house's time one module may take.
 *
 * @module
 */

/** A token bucket of milliseconds. */
export class TimeShare {
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs: number;
  #countedMs: number;

  /** @param options `share`: the part of the time that it gets. `burstMs`: what it may take after a quiet while. */
  constructor(nowMs: number, { share, burstMs }: { share: number; burstMs: number }) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#leftMs = burstMs;
    this.#countedMs = nowMs;
  }

  /**
   * Counts what was spent for the module.
   * @returns For how many milliseconds nothing more is to be done for it.
   */
  spent(costMs: number, nowMs: number): number {
    const earnedMs = (nowMs - this.#countedMs) * this.#share;
    this.#countedMs = nowMs;
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + earnedMs) - costMs;
    return Math.max(0, -this.#leftMs / this.#share);
  }
}
