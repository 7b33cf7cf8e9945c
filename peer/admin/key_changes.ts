/**
 * What opens a running node's keys is changed by one request at a time.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";

const RETRY_MS = 5_000;

/** The passphrase and the succession: each is made of what the other one writes. */
export class KeyChanges {
  #isUnderWay = false;

  /**
   * Begins a change.
   * @throws {OpenRedError} `overloaded` while another one has not ended.
   * @returns Ends it.
   */
  begin(): () => void {
    if (this.#isUnderWay) {
      throw new OpenRedError("overloaded", "The keys are being changed", {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#isUnderWay = true;
    return () => {
      this.#isUnderWay = false;
    };
  }
}
