/**
 * When a module that failed is started again: with growing pauses, and not for ever.
 *
 * @module
 */

const FIRST_PAUSE_MS = 1_000;
const MAX_FAILURES = 5;
const WINDOW_MS = 10 * 60_000;

/** The failures of one module. */
export class RestartPolicy {
  /** When each of the last failures was, by the monotonic clock. */
  #failures: number[] = [];

  /**
   * Notes a failure.
   * @returns The pause before the next start; `null` where it was the fifth within ten minutes: the module stays stopped.
   */
  failed(nowMs: number): number | null {
    this.#failures = [...this.#failures.filter((atMs) => nowMs - atMs < WINDOW_MS), nowMs];
    const count = this.#failures.length;
    return count >= MAX_FAILURES ? null : FIRST_PAUSE_MS * 2 ** (count - 1);
  }

  /** Somebody here has looked after it: earlier failures count no longer. */
  reset(): void {
    this.#failures = [];
  }
}
