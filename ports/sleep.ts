/**
 * Waiting on a clock, for no longer than somebody wants it.
 *
 * @module
 */
import type { Clock } from "./ports.ts";

/** @throws {unknown} The signal's reason, as soon as it fires. */
export function sleep(
  clock: Pick<Clock, "setTimer">,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      signal.removeEventListener("abort", abort);
      reject(signal.reason);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort);
  });
}

/** Resolves when the time is over, or the signal has fired: a sleep fails for nothing else. */
export function pause(
  clock: Pick<Clock, "setTimer">,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return sleep(clock, delayMs, signal).catch(() => {});
}
