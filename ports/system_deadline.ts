import { OpenRedError } from "../protocol/errors.ts";
import { unreachable } from "../protocol/unreachable.ts";
import { failureReason } from "./connection_failure.ts";

function createAbortError(): DOMException {
  return new DOMException("The call was aborted", "AbortError");
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * Runs something that must be over by a time and can be aborted. `run` gets a signal that fires
 * in both cases; the result does not wait for it to obey.
 * @throws {OpenRedError} `unreachable` when time is up or `run` failed.
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function runWithDeadline<T>(
  options: { readonly timeoutMs: number | null; readonly signal?: AbortSignal | undefined },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { timeoutMs, signal } = options;
  if (signal?.aborted) throw createAbortError();
  const controller = new AbortController();
  const onAbort = () => controller.abort(createAbortError());
  const onTimeout = () => controller.abort(unreachable("The other end", "too_slow"));
  const timer = timeoutMs === null ? null : setTimeout(onTimeout, timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([rejectOnAbort(controller.signal), run(controller.signal)]);
  } catch (cause) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (cause instanceof OpenRedError) throw cause;
    throw unreachable("The other end", failureReason(cause), { cause });
  } finally {
    if (timer !== null) clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
