/**
 * Stand-in for `jsr:@std/testing/time`.
 *
 * @module
 */
import { FakeClock } from "./fake_clock.ts";
import {
  overrideGlobals,
  RealDate,
  restoreGlobals,
  setClock,
  startInterval,
  startTimer,
  stopInterval,
  stopTimer,
} from "./fake_globals.ts";
import { TimeError } from "./time_error.ts";

export { TimeError };

/** Options of {@linkcode FakeTime}. */
export interface FakeTimeOptions {
  /** Fake milliseconds for each real one; 0, the default, leaves moving time to the test. */
  advanceRate: number;
  /** Real milliseconds between steps, 10 if left out. */
  advanceFrequency?: number;
}

/** Options of {@linkcode FakeTime.delay}. */
export interface DelayOptions {
  signal?: AbortSignal;
}

let active: FakeTime | null = null;

function readStart(start: number | string | Date | null | undefined): number {
  const startMs = typeof start === "number"
    ? Math.floor(start)
    : start instanceof RealDate
    ? start.valueOf()
    : typeof start === "string"
    ? new RealDate(start).valueOf()
    : RealDate.now();
  if (!Number.isNaN(startMs)) return startMs;
  throw new TypeError(`Cannot construct FakeTime: invalid start time ${startMs}`);
}

/**
 * Replaces `Date`, the timers of the runtime and `AbortSignal.timeout` by ones that a test moves,
 * until `restore`.
 */
export class FakeTime {
  readonly #startMs: number;
  readonly #clock: FakeClock;
  readonly #advancing: ReturnType<typeof setInterval> | null;

  /**
   * @throws {TimeError} While another one is in place.
   * @throws {TypeError} On a start that is no time.
   */
  constructor(
    start?: number | string | Date | null,
    options?: FakeTimeOptions,
  ) {
    if (active !== null) {
      throw new TimeError("Cannot construct FakeTime: time is already faked");
    }
    this.#startMs = readStart(start);
    this.#clock = new FakeClock(this.#startMs);
    active = this;
    setClock(this.#clock);
    overrideGlobals();
    const rate = Math.max(0, options?.advanceRate ?? 0);
    const everyMs = Math.max(0, options?.advanceFrequency ?? 10);
    this.#advancing = rate > 0 ? startInterval(() => this.tick(rate * everyMs), everyMs) : null;
  }

  /**
   * Brings real time back.
   * @throws {TimeError} If it is back already.
   */
  static restore(): void {
    if (active === null) {
      throw new TimeError("Cannot restore time: time is already restored");
    }
    const advancing = active.#advancing;
    active = null;
    setClock(null);
    restoreGlobals();
    if (advancing !== null) stopInterval(advancing);
  }

  /**
   * Brings real time back while `callback` runs, until its promise settles if it returns one.
   * Rejects with a {@linkcode TimeError} if time is not faked.
   */
  static async restoreFor<T>(
    // deno-lint-ignore no-explicit-any
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any
    ...args: any[]
  ): Promise<T> {
    const time = active;
    if (time === null) {
      throw new TimeError("Cannot restore time: time is not faked");
    }
    restoreGlobals();
    try {
      const result = callback(...args);
      // Without a promise, nothing else may run before time is faked again.
      return result instanceof Promise ? await result : result;
    } finally {
      if (active === time) overrideGlobals();
    }
  }

  /** Fake milliseconds since the epoch. */
  get now(): number {
    return this.#clock.nowMs;
  }
  /**
   * Runs what is due until then; time stops at a timer that throws.
   * @throws {RangeError} On a time that is past.
   */
  set now(value: number) {
    this.#clock.moveTo(value);
  }

  /** What `now` was at first. */
  get start(): number {
    return this.#startMs;
  }

  /** Waits in real time. Rejects with an `AbortError` when the signal says so. */
  async delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    const createError = () => new DOMException("Delay was aborted.", "AbortError");
    if (signal?.aborted) throw createError();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        stopTimer(timer);
        reject(createError());
      };
      const timer = startTimer(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Lets everything that waits for nothing run. */
  async runMicrotasks(): Promise<void> {
    await this.delay(0);
  }

  /** Moves time by `ms`. */
  tick(ms = 0): void {
    this.now += ms;
  }

  /** Like {@linkcode tick}, after what waits for nothing. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.now += ms;
  }

  /** Moves time to the next timer. @returns Whether there was one. */
  next(): boolean {
    const { nextMs } = this.#clock;
    if (nextMs !== null) this.now = nextMs;
    return nextMs !== null;
  }

  /** Like {@linkcode next}, after what waits for nothing. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  /** Moves time until no timer is left. */
  runAll(): void {
    while (!this.#clock.isIdle) this.next();
  }

  /** Like {@linkcode runAll}, with everything that waits for nothing run before each timer. */
  async runAllAsync(): Promise<void> {
    while (!this.#clock.isIdle) await this.nextAsync();
  }

  /**
   * Brings real time back.
   * @throws {TimeError} If it is back already.
   */
  restore(): void {
    FakeTime.restore();
  }

  [Symbol.dispose](): void {
    this.restore();
  }
}
