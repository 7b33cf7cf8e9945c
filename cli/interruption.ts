/**
 * Ctrl-C while a command waits.
 *
 * @module
 */
import { CommandError, EXIT_CODES } from "./command_error.ts";

/**
 * Waits for something, unless the person stops the command first.
 * @param what What to say then.
 * @throws {CommandError} Exit code 130; whatever was waited for is left alone.
 */
export async function unlessStopped<T>(
  signal: AbortSignal,
  what: string,
  work: Promise<T>,
): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new CommandError(EXIT_CODES.interrupted, what));
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
