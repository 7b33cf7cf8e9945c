/**
 * Waits that end.
 *
 * @module
 */
import { systemClock } from "../../ports/system.ts";

/**
 * Waits for a promise, but not for ever.
 * @throws {Error} That names `what` was waited for.
 */
export async function withTimeout<T>(
  promise: Promise<T>,
  options: { readonly timeoutMs: number; readonly what: string },
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = systemClock.setTimer(options.timeoutMs, () => {
    late.reject(new Error(`Waited ${options.timeoutMs / 1000} s for ${options.what}`));
  });
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    cancel();
  }
}

/** Waits for a while. */
export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => systemClock.setTimer(delayMs, resolve));
}

const POLL_MS = 100;

/**
 * Asks again and again until there is an answer.
 * @throws {Error} That names `what` was waited for.
 */
export async function poll<T>(
  ask: () => Promise<T | null>,
  options: { readonly timeoutMs: number; readonly what: string; readonly everyMs?: number },
): Promise<T> {
  const endMs = systemClock.monotonicMs() + options.timeoutMs;
  while (true) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (systemClock.monotonicMs() > endMs) {
      throw new Error(`Waited ${options.timeoutMs / 1000} s for ${options.what}`);
    }
    await pause(options.everyMs ?? POLL_MS);
  }
}
