import { clearImmediate, setImmediate } from "node:timers";
import type { Clock } from "./ports.ts";

/** Timers of the runtime fire at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function setTimer(delayMs: number, callback: () => void): () => void {
  // A timeout of zero takes this runtime two milliseconds, and much waits for the end of a turn only.
  if (delayMs <= 0) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  }
  let timer: ReturnType<typeof setTimeout>;
  const arm = (leftMs: number) => {
    const stepMs = Math.min(leftMs, MAX_TIMER_MS);
    const next = leftMs > stepMs ? () => arm(leftMs - stepMs) : callback;
    timer = setTimeout(next, stepMs);
  };
  arm(delayMs);
  return () => clearTimeout(timer);
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer,
};
