/**
 * Counting what is under way, by name: a node or a source of callers.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";

const RETRY_MS = 1_000;

/** So many places for each name. */
export class Places {
  readonly #counts = new Map<string, number>();
  readonly #max: number;
  readonly #what: string;

  /** @param options `max`: 0 means no limit. `what` names the limit for people. */
  constructor(options: { readonly max: number; readonly what: string }) {
    this.#max = options.max === 0 ? Infinity : options.max;
    this.#what = options.what;
  }

  /**
   * Takes a place.
   * @param part Of all places, what this taker may fill up to.
   * @returns What gives it back; to be called once or more.
   * @throws {OpenRedError} `overloaded`.
   */
  take(name: string, part = 1): () => void {
    const count = this.#counts.get(name) ?? 0;
    if (count >= Math.ceil(this.#max * part)) {
      throw new OpenRedError("overloaded", `Too many ${this.#what}`, { retryAfterMs: RETRY_MS });
    }
    this.#counts.set(name, count + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.#counts.get(name)! - 1;
      if (left > 0) this.#counts.set(name, left);
      else this.#counts.delete(name);
    };
  }
}
