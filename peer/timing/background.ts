/**
 * Work that nobody waits for: a failure is told to the log and ends nothing else.
 *
 * @module
 */
import { CryptoError } from "../../crypto/interface.ts";
import type { Log } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { faultText } from "../events/faults.ts";

/** Runs work in the background. */
export class Background {
  readonly #log: Log;
  readonly #running = new Set<Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Follows a promise to its end. Only the end of the crypto core itself goes on as an unhandled rejection: without it
   * a node can do nothing, and is better started anew.
   * @param peer Whom it is about.
   */
  run(name: string, work: Promise<unknown>, peer?: string): void {
    const about = peer === undefined ? {} : { peer };
    const running = work.then(() => {}, (error: unknown) => this.#failed(name, { error, about }))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for the end of what runs, so that nothing uses the database or the core of a stopped node. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  #failed(
    name: string,
    { error, about }: { readonly error: unknown; readonly about: { readonly peer?: string } },
  ): void {
    if (error instanceof CryptoError && error.code === "core_failed") throw error;
    if (error instanceof OpenRedError) {
      this.#log.log("warn", `${name}_failed`, { ...about, code: error.code, text: error.message });
    } else {
      this.#log.log("error", `${name}_failed`, { ...about, text: faultText(error) });
    }
  }
}
