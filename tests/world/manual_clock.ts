import { clearImmediate, setImmediate } from "node:timers";
import type { Clock } from "../../ports/ports.ts";

/** A timer that waits for its moment. */
export interface ManualTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * Time that stands still until a test moves it. Timers without delay fire in the next turn of the real event loop, as
 * those of a group commit do.
 */
export class ManualClock implements Clock {
  protected readonly timers = new Set<ManualTimer>();
  protected elapsedMs = 0;
  /** The wall clock less the monotonic one; a test may set it at any moment. */
  offsetMs: number;

  constructor(startMs: number) {
    this.offsetMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.offsetMs + this.elapsedMs);
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = { dueMs: this.elapsedMs + delayMs, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How long until each timer that waits. */
  get waitingMs(): number[] {
    return [...this.timers].map(({ dueMs }) => dueMs - this.elapsedMs).sort((a, b) => a - b);
  }

  /** Moves time without anything happening: a machine that slept. */
  skip(spanMs: number): void {
    this.elapsedMs += spanMs;
  }

  /** Sets the wall clock alone. */
  step(spanMs: number): void {
    this.offsetMs += spanMs;
  }
}
