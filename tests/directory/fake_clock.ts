import type { Clock } from "../../ports/ports.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that a test moves. Timers without delay fire in the next turn of the real event loop. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;
  #offsetMs: number;

  constructor(startMs: number) {
    this.#offsetMs = startMs;
  }

  nowMs(): number {
    return this.#offsetMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    if (delayMs === 0) {
      const timer = setTimeout(callback, 0);
      return () => clearTimeout(timer);
    }
    const timer = { dueMs: this.#elapsedMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass, firing what falls due. */
  advance(spanMs: number): void {
    this.#elapsedMs += spanMs;
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.#elapsedMs) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
  }

  /** Sets the wall clock alone. */
  step(spanMs: number): void {
    this.#offsetMs += spanMs;
  }
}
