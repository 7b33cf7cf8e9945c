/**
 * Virtual time: fires timers one by one and lets everything that follows from each come to rest
 * before the next.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type HeapTimer, TimerHeap } from "./timer_heap.ts";

/** More events than this at one instant are taken for an endless loop. */
const MAX_EVENTS_AT_ONCE = 20_000;

export class EventLoop {
  readonly #timers = new TimerHeap();
  #nowMs = 0;
  #order = 0;
  #touched = 0;
  #pending = 0;
  #failure: { readonly cause: unknown } | null = null;
  #eventsAtOnce = 0;

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers fired so far. */
  get events(): number {
    return this.#touched;
  }

  /** Calls `callback` after `delayMs`, rounded up. The returned function cancels it. */
  schedule(delayMs: number, callback: () => void): () => void {
    const atMs = this.#nowMs + Math.max(0, Math.ceil(delayMs));
    const timer: HeapTimer = { atMs, order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      timer.callback = null;
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Marks work that may finish in real time (a WASM compilation): {@linkcode settle} waits for it. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
    }
  }

  /** Marks what tracked work waits for in virtual time: meanwhile nobody waits for that work. */
  async untrack<T>(work: Promise<T>): Promise<T> {
    this.#pending--;
    try {
      return await work;
    } finally {
      this.#pending++;
    }
  }

  /** Makes the run fail with `cause` at the next step. The first one counts. */
  fail(cause: unknown): void {
    this.#failure ??= { cause };
  }

  /** Lets all microtasks run, and all tracked work end. */
  async settle(): Promise<void> {
    do await macrotask(); while (this.#pending > 0);
    if (this.#failure !== null) throw this.#failure.cause;
  }

  /** Runs everything due up to `untilMs`. */
  async runUntil(untilMs: number): Promise<void> {
    await this.settle();
    while (await this.#step(untilMs));
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  runFor(durationMs: number): Promise<void> {
    return this.runUntil(this.#nowMs + Math.ceil(durationMs));
  }

  /**
   * Runs until `work` has ended.
   * @throws {Error} If it has not after `limitMs` of virtual time.
   */
  async complete<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    const untilMs = this.#nowMs + limitMs;
    await this.settle();
    while (!ended) {
      if (!await this.#step(untilMs)) throw new Error(`Nothing came within ${limitMs} virtual ms`);
    }
    return await work;
  }

  async #step(untilMs: number): Promise<boolean> {
    const next = this.#timers.peek();
    if (next === undefined || next.atMs > untilMs) return false;
    this.#timers.pop();
    if (next.callback === null) return true;
    if (next.atMs > this.#nowMs) this.#eventsAtOnce = 0;
    if (++this.#eventsAtOnce > MAX_EVENTS_AT_ONCE) {
      throw new Error(`More than ${MAX_EVENTS_AT_ONCE} events at ${next.atMs} ms`);
    }
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    this.#touched++;
    next.callback();
    await this.settle();
    return true;
  }
}

/** All microtasks run before this resolves. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => resolve());
  });
}
