import type { FakeClock } from "./fake_clock.ts";
import { TimeError } from "./time_error.ts";

type Callback = (...args: unknown[]) => void;

const REAL = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};
const REAL_ABORT_TIMEOUT = AbortSignal.timeout;

// Called as methods of another object, the runtime's own refuse.
export const {
  Date: RealDate,
  setTimeout: startTimer,
  clearTimeout: stopTimer,
  setInterval: startInterval,
  clearInterval: stopInterval,
} = REAL;

let clock: FakeClock | null = null;

function readNow(): number {
  return clock?.nowMs ?? RealDate.now();
}

/** Dates are real ones; only "now" is not. */
const FakeDate = new Proxy(RealDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [readNow()] : args),
  apply: () => new RealDate(readNow()).toString(),
  get: (target, name, receiver) => name === "now" ? readNow : Reflect.get(target, name, receiver),
});

/** A replacement that somebody kept must not start what nobody will ever run. */
function requireClock(action: string): FakeClock {
  if (clock === null) throw new TimeError(`Cannot ${action}: time is not faked`);
  return clock;
}

function requireFunction(callback: unknown, name: string): asserts callback is Callback {
  if (typeof callback === "function") return;
  throw new TimeError(`FakeTime does not support non-function callbacks to ${name}`);
}

function fakeSetTimeout(callback: Callback, delayMs = 0, ...args: unknown[]): number {
  requireFunction(callback, "setTimeout");
  const run = () => callback(...args);
  return requireClock("set timeout").add({ delayMs, run, repeats: false });
}

function fakeSetInterval(callback: Callback, delayMs = 0, ...args: unknown[]): number {
  requireFunction(callback, "setInterval");
  const run = () => callback(...args);
  return requireClock("set interval").add({ delayMs, run, repeats: true });
}

function fakeClearTimeout(id?: unknown): void {
  requireClock("clear timeout").delete(id);
}

function fakeClearInterval(id?: unknown): void {
  requireClock("clear interval").delete(id);
}

function fakeAbortTimeout(delayMs: number): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException("Signal timed out.", "TimeoutError"));
  fakeSetTimeout(abort, delayMs);
  return controller.signal;
}

/** Puts the replacements in place. */
export function overrideGlobals(): void {
  Object.assign(globalThis, {
    Date: FakeDate,
    setTimeout: fakeSetTimeout,
    clearTimeout: fakeClearTimeout,
    setInterval: fakeSetInterval,
    clearInterval: fakeClearInterval,
  });
  AbortSignal.timeout = fakeAbortTimeout;
}

/** Puts back in place what the runtime had. */
export function restoreGlobals(): void {
  Object.assign(globalThis, REAL);
  AbortSignal.timeout = REAL_ABORT_TIMEOUT;
}

/** Says which clock all replacements read; without one, timers refuse and dates are real. */
export function setClock(next: FakeClock | null): void {
  clock = next;
}
