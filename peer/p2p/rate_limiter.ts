/**
 * A limit per source, an address or a peer: so many in a minute, memory bounded however many sources there are.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";

const WINDOW_MS = 60_000;
const MAX_SOURCES = 10_000;

interface Window {
  startMs: number;
  count: number;
}

/** Counts per source in windows of a minute. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** @throws {OpenRedError} `rate_limited`, with the time that is left of the window. */
  take(source: string): void {
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(source);
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS) {
      this.#windows.delete(source);
      window = { startMs: nowMs, count: 0 };
      this.#windows.set(source, window);
      this.#forgetOldest();
    }
    window.count += 1;
    if (window.count <= this.#perMinute) return;
    throw new OpenRedError("rate_limited", "Too many requests in a minute", {
      retryAfterMs: WINDOW_MS - (nowMs - window.startMs),
    });
  }

  /** A map iterates in insertion order, and a window is inserted anew whenever it begins. */
  #forgetOldest(): void {
    if (this.#windows.size <= MAX_SOURCES) return;
    for (const source of this.#windows.keys()) {
      this.#windows.delete(source);
      return;
    }
  }
}
