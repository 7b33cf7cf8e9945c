/**
 * Waiting, for no longer than somebody wants it.
 *
 * @module
 */
import type { ModuleClock } from "../api.ts";

/** Resolves after a while, or as soon as the signal fires. */
export function pause(clock: ModuleClock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  const cancel = clock.setTimer(delayMs, resolve);
  const stop = () => resolve();
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    cancel();
    signal.removeEventListener("abort", stop);
  });
}
