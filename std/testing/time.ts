/**
 * Stand-in for `jsr:@std/testing/time`.
 *
 * @module
 */

/** Misuse of {@linkcode FakeTime}. */
export class TimeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TimeError";
  }
}

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

type Callback = (...args: unknown[]) => void;

interface Timer {
  readonly id: number;
  readonly dueMs: number;
  readonly run: () => void;
  /** `null` for a timer that goes off once. */
  readonly repeatMs: number | null;
}

const REAL = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};

// Called as methods of another object, the runtime's own refuse.
const { setTimeout: startTimer, clearTimeout: stopTimer } = REAL;
const { setInterval: startInterval, clearInterval: stopInterval } = REAL;

let active: FakeTime | null = null;

function readStart(start: number | string | Date | null | undefined): number {
  const startMs = typeof start === "number"
    ? Math.floor(start)
    : start instanceof REAL.Date
    ? start.valueOf()
    : typeof start === "string"
    ? new REAL.Date(start).valueOf()
    : REAL.Date.now();
  if (Number.isNaN(startMs)) throw new TimeError("Invalid start");
  return startMs;
}

/** Dates are real ones; only "now" is not. */
function createFakeDate(time: FakeTime): DateConstructor {
  return new Proxy(REAL.Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        args.length === 0 ? [time.now] : args,
        newTarget,
      ),
    apply: () => new REAL.Date(time.now).toString(),
    get: (target, name, receiver) =>
      name === "now" ? () => time.now : Reflect.get(target, name, receiver),
  });
}

/** Replaces `Date` and the timers of the runtime by ones that a test moves, until `restore`. */
export class FakeTime {
  readonly #startMs: number;
  #nowMs: number;
  #lastId = 0;
  readonly #timers = new Map<number, Timer>();
  readonly #advancing: ReturnType<typeof setInterval> | null;

  constructor(
    start?: number | string | Date | null,
    options?: FakeTimeOptions,
  ) {
    active?.restore();
    this.#startMs = readStart(start);
    this.#nowMs = this.#startMs;
    active = this;
    this.#overrideGlobals();
    const rate = Math.max(0, options?.advanceRate ?? 0);
    const everyMs = Math.max(0, options?.advanceFrequency ?? 10) || 10;
    this.#advancing = rate > 0 ? startInterval(() => this.tick(rate * everyMs), everyMs) : null;
  }

  /** Brings real time back. */
  static restore(): void {
    if (active === null) {
      throw new TimeError("Cannot restore time: time is already restored");
    }
    active.restore();
  }

  /** Brings real time back while `callback` runs. */
  static async restoreFor<T, Args extends unknown[]>(
    callback: (...args: Args) => Promise<T> | T,
    ...args: Args
  ): Promise<T> {
    const time = active;
    if (time === null) {
      throw new TimeError("Cannot restore time: time is already restored");
    }
    Object.assign(globalThis, REAL);
    try {
      return await callback(...args);
    } finally {
      if (active === time) time.#overrideGlobals();
    }
  }

  /** Fake milliseconds since the epoch. Setting it runs what is due until then. */
  get now(): number {
    return this.#nowMs;
  }
  set now(value: number) {
    if (value < this.#nowMs) {
      throw new RangeError("Cannot set current time in the past");
    }
    for (
      let next = this.#nextTimer();
      next && next.dueMs <= value;
      next = this.#nextTimer()
    ) {
      this.#nowMs = next.dueMs;
      this.#timers.delete(next.id);
      const { repeatMs } = next;
      if (repeatMs !== null) {
        this.#timers.set(next.id, { ...next, dueMs: next.dueMs + repeatMs });
      }
      next.run();
    }
    this.#nowMs = value;
  }

  /** What `now` was at first. */
  get start(): number {
    return this.#startMs;
  }

  /** Waits in real time. */
  async delay(ms: number, options: DelayOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        stopTimer(timer);
        reject(signal?.reason);
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
    const next = this.#nextTimer();
    if (next) this.now = next.dueMs;
    return next !== null;
  }

  /** Like {@linkcode next}, after what waits for nothing. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  /** Moves time until no timer is left. */
  runAll(): void {
    while (this.next());
  }

  /** Like {@linkcode runAll}, with everything that waits for nothing run between timers. */
  async runAllAsync(): Promise<void> {
    while (await this.nextAsync());
  }

  /** Brings real time back. */
  restore(): void {
    if (active !== this) {
      throw new TimeError("Cannot restore time: time is already restored");
    }
    active = null;
    Object.assign(globalThis, REAL);
    if (this.#advancing !== null) stopInterval(this.#advancing);
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #overrideGlobals(): void {
    const clear = (id?: number) => void this.#timers.delete(Number(id));
    Object.assign(globalThis, {
      Date: createFakeDate(this),
      setTimeout: (callback: Callback, delayMs = 0, ...args: unknown[]) =>
        this.#addTimer(() => callback(...args), delayMs, null),
      setInterval: (callback: Callback, delayMs = 0, ...args: unknown[]) =>
        this.#addTimer(
          () => callback(...args),
          delayMs,
          Math.max(1, Math.floor(delayMs)),
        ),
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  #addTimer(run: () => void, delayMs: number, repeatMs: number | null): number {
    const id = ++this.#lastId;
    const waitMs = repeatMs ?? Math.max(0, Math.floor(delayMs));
    this.#timers.set(id, { id, dueMs: this.#nowMs + waitMs, run, repeatMs });
    return id;
  }

  /** Timers of one instant go off in the order they were set, as a map keeps it. */
  #nextTimer(): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers.values()) {
      if (next === null || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }
}
