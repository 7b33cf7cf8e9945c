/**
 * Time that a test moves. Timers without delay fire in the next turn of the real event loop, as those
 * of a group commit do; all others in their order, each followed by everything it sets off.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import type { Clock } from "../../ports/ports.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** How many turns of the event loop what a timer set off may take; a database commit takes one. */
const TURNS = 30;

/** Lets everything that is under way come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }
}

export class VirtualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;
  /** The wall clock less the monotonic one; a test may set it at any moment. */
  offsetMs: number;

  constructor(startMs: number) {
    this.offsetMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.offsetMs + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = { dueMs: this.#elapsedMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How long until each timer that waits. */
  get waitingMs(): number[] {
    return [...this.#timers].map(({ dueMs }) => dueMs - this.#elapsedMs).sort((a, b) => a - b);
  }

  /** Moves time without anything happening: a machine that slept. */
  skip(spanMs: number): void {
    this.#elapsedMs += spanMs;
  }

  /** Lets time pass, timer by timer. */
  async advance(spanMs: number): Promise<void> {
    const endMs = this.#elapsedMs + spanMs;
    await settle();
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.#elapsedMs = endMs;
  }

  #next(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === null || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
