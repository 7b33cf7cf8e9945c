/**
 * Waiting.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";

/** @throws {unknown} The reason of `signal` when that fires first. */
export function sleepFor(
  clock: Pick<Clock, "setTimer">,
  spanMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.setTimer(spanMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
