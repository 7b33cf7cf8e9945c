/**
 * How a service ends: because it is asked to, or because something without which it can do nothing is gone. Then it
 * says why and ends with an exit code that a supervisor starts it anew for, and never lives on deaf.
 *
 * @module
 */
import { CryptoError } from "../crypto/interface.ts";
import type { Clock, Log } from "../ports/ports.ts";
import { ProcessError, textOf } from "./process_error.ts";

/** How long a service that has failed may take to stop: little can be expected of it. */
const FAILED_STOP_MS = 1_000;

/** What may end one service. */
export class ServiceEnd {
  readonly #log: Log;
  readonly #failed = Promise.withResolvers<never>();
  #isFailed = false;

  constructor(log: Log) {
    this.#log = log;
    // Nobody waits for it before the service has started.
    this.#failed.promise.catch(() => {});
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  /**
   * Stops what has started. Whatever has not ended in time is left as it is.
   * @param stop Given how long it may take, in milliseconds.
   * @returns Whether all of it has ended.
   */
  async stopInTime(
    clock: Pick<Clock, "setTimer">,
    { limitMs, stop }: { limitMs: number; stop: (limitMs: number) => Promise<unknown> },
  ): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const allowedMs = this.#isFailed ? FAILED_STOP_MS : limitMs;
    const cancel = clock.setTimer(allowedMs, () => late.resolve(false));
    const isOver = await Promise.race([stop(allowedMs).then(() => true), late.promise]);
    cancel();
    return isOver;
  }

  /** Ends the service. Only the first reason counts. */
  fail(reason: string, cause: unknown): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#log.log("error", "ending", { reason, cause: textOf(cause) });
    this.#failed.reject(new ProcessError(1, `${reason}: ${textOf(cause)}`, { cause }));
  }

  /** Ends the service when `part` rejects. */
  needs(part: Promise<unknown>, reason: string): void {
    part.catch((cause: unknown) => this.fail(reason, cause));
  }

  /** Ends the service when its crypto core does. @param ended Resolves with the reason. */
  needsCore(ended: Promise<unknown>): void {
    void ended.then((cause) => this.fail("The crypto core has ended", cause));
  }

  /**
   * Waits for the end.
   * @param signal Fires when somebody asks for it.
   * @throws {ProcessError} Exit code 1, when the service failed.
   */
  async wait(signal: AbortSignal): Promise<void> {
    const asked = Promise.withResolvers<void>();
    const onAbort = () => asked.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.race([asked.promise, this.#failed.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Rejects when the service fails: for what would wait for ever then. */
  async unlessFailed<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#failed.promise]);
  }

  /**
   * The last chance of an error: a promise that nobody waited for is logged and ends nothing, unless it was the crypto
   * core's end. After an error outside of any promise nobody knows what was left half done, so that is the end.
   */
  watchErrors(): void {
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      const { reason } = event;
      if (reason instanceof CryptoError && reason.code === "core_failed") {
        return this.fail("The crypto core has ended", reason);
      }
      this.#log.log("error", "unhandled_rejection", { cause: textOf(reason) });
    });
    addEventListener("error", (event) => {
      event.preventDefault();
      const { error } = event;
      this.#log.log("error", "uncaught_error", {
        text: error instanceof Error ? error.stack ?? error.message : event.message,
      });
      this.fail("An error was caught nowhere", error ?? event.message);
    });
  }
}
