/**
 * Counting what one source does in a minute, in bounded memory.
 *
 * @module
 */
import type { Clock } from "./ports.ts";
import { OpenRedError } from "../protocol/errors.ts";

const WINDOW_MS = 60_000;

/** Sources remembered at a time; of more, the one whose minute began first is forgotten. */
const MAX_SOURCES = 50_000;

interface Window {
  readonly startMs: number;
  count: number;
}

/** So many events a minute for each source; the minute begins with the source's first event. */
export class RateLimit {
  readonly #windows = new Map<string, Window>();
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #perMinute: number;
  readonly #what: string;

  /** @param options `perMinute`: 0 means no limit. `what` names the limit for people. */
  constructor(
    clock: Pick<Clock, "monotonicMs">,
    options: { readonly perMinute: number; readonly what: string },
  ) {
    this.#clock = clock;
    this.#perMinute = options.perMinute;
    this.#what = options.what;
  }

  /**
   * Counts one event of a source.
   * @throws {OpenRedError} `rate_limited`, with the time until the source's next minute begins.
   */
  check(source: string): void {
    if (this.#perMinute === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const window = this.#windows.get(source);
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS) {
      this.#open(source, nowMs);
      return;
    }
    if (window.count >= this.#perMinute) {
      throw new OpenRedError(
        "rate_limited",
        `More than ${this.#perMinute} a minute ${this.#what}`,
        {
          retryAfterMs: window.startMs + WINDOW_MS - nowMs,
        },
      );
    }
    window.count += 1;
  }

  #open(source: string, nowMs: number): void {
    this.#windows.delete(source);
    if (this.#windows.size >= MAX_SOURCES) {
      const [oldest] = this.#windows.keys();
      this.#windows.delete(oldest!);
    }
    this.#windows.set(source, { startMs: nowMs, count: 1 });
  }
}
