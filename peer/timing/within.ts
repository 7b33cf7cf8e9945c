/**
 * Waiting for a promise, but not for ever.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";

/**
 * What a promise resolves with, if it does in time. It goes on by itself where it does not, and its failure then is
 * nobody's.
 * @throws `late` after `ms` milliseconds.
 */
export async function within<T>(
  clock: Pick<Clock, "setTimer">,
  { ms, late }: { readonly ms: number; readonly late: unknown },
  work: Promise<T>,
): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const cancel = clock.setTimer(ms, () => reject(late));
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    cancel();
  }
}
