/**
 * Turns for calls that nobody waits for: a node with a thousand peers neither calls all of them at once when it starts
 * nor renews all its sessions in one moment.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";

/** So many calls are in their turn at a time. */
export const MAX_CALLS_IN_TURN = 16;
/** Whoever does not answer by then no longer keeps others waiting. */
const TURN_MS = 10_000;

/** The turns of one node. */
export class CallTurns {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(clock: Pick<Clock, "setTimer">) {
    this.#clock = clock;
  }

  /**
   * Waits for a turn.
   * @returns Ends the turn; it ends by itself after ten seconds.
   * @throws {DOMException} `AbortError` when `signal` fires first.
   */
  async take(signal: AbortSignal): Promise<() => void> {
    while (this.#taken >= MAX_CALLS_IN_TURN) await this.#next(signal);
    signal.throwIfAborted();
    this.#taken += 1;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#taken -= 1;
      const [first] = this.#waiting;
      first?.();
    };
    const cancel = this.#clock.setTimer(TURN_MS, end);
    return end;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const stop = () => {
        this.#waiting.delete(wake);
        reject(new DOMException("The wait for a turn was given up", "AbortError"));
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.#waiting.add(wake);
    });
  }
}
