/**
 * Time that a test lets pass: each timer fires in its order, followed by everything it sets off.
 *
 * @module
 */
import { ManualClock, type ManualTimer } from "./manual_clock.ts";
import { settle } from "./settle.ts";

export class VirtualClock extends ManualClock {
  /** Lets time pass, timer by timer. */
  async advance(spanMs: number): Promise<void> {
    const endMs = this.elapsedMs + spanMs;
    await settle();
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.timers.delete(next);
      this.elapsedMs = Math.max(this.elapsedMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.elapsedMs = endMs;
  }

  #next(endMs: number): ManualTimer | null {
    let next: ManualTimer | null = null;
    for (const timer of this.timers) {
      if (timer.dueMs <= endMs && (next === null || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
