/** A function that waits for its time. */
interface Timer {
  readonly id: number;
  readonly dueMs: number;
  readonly run: () => void;
  /** `null` for a timer that goes off once. */
  readonly repeatMs: number | null;
}

/** What to set a timer with. */
export interface NewTimer {
  readonly delayMs: number;
  readonly run: () => void;
  readonly repeats: boolean;
}

/** A time that stands still until it is moved, and what waits for it. */
export class FakeClock {
  #nowMs: number;
  #lastId = 0;
  readonly #timers = new Map<number, Timer>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** Milliseconds since the epoch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether no timer is set. */
  get isIdle(): boolean {
    return this.#timers.size === 0;
  }

  /** When the next timer goes off; `null` if none is set. */
  get nextMs(): number | null {
    return this.#next()?.dueMs ?? null;
  }

  /** Sets a timer. @returns Its id, 1 for the first. */
  add({ delayMs, run, repeats }: NewTimer): number {
    const id = ++this.#lastId;
    const shortestMs = repeats ? 1 : 0;
    // As in the runtime, what is no number is the shortest delay.
    const waitMs = Math.max(shortestMs, Math.floor(delayMs)) || shortestMs;
    const repeatMs = repeats ? waitMs : null;
    this.#timers.set(id, { id, dueMs: this.#nowMs + waitMs, run, repeatMs });
    return id;
  }

  /** Stops a timer, if it is one that is set. */
  delete(id: unknown): void {
    if (typeof id === "number") this.#timers.delete(id);
  }

  /**
   * Moves time and runs what is due until then; time stops at a timer that throws.
   * @throws {RangeError} On a time that is past.
   */
  moveTo(ms: number): void {
    if (ms < this.#nowMs) {
      throw new RangeError(
        `Cannot set current time in the past, time must be >= ${this.#nowMs}: received ${ms}`,
      );
    }
    for (let next = this.#next(); next !== null && next.dueMs <= ms; next = this.#next()) {
      const { id, dueMs, repeatMs } = next;
      this.#nowMs = dueMs;
      this.#timers.delete(id);
      if (repeatMs !== null) this.#timers.set(id, { ...next, dueMs: dueMs + repeatMs });
      next.run();
    }
    this.#nowMs = ms;
  }

  /** Timers of one instant go off in the order they were set, as a map keeps it. */
  #next(): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers.values()) {
      if (next === null || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }
}
