/**
 * Counting what one source does in a minute or a day, in bounded memory.
 *
 * @module
 */
import type { Clock } from "./ports.ts";
import { OpenRedError } from "../protocol/errors.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

/** Sources remembered at a time; of more, the one that came first is forgotten. */
const MAX_SOURCES = 50_000;

interface Window {
  readonly startMs: number;
  count: number;
}

/** How many events, and in which span, which begins with a source's first event; 0 means no limit. */
export type Rate = { readonly perMinute: number } | { readonly perDay: number };

/** The same as a number, the span in words and its length. */
export function spanOf(rate: Rate): {
  readonly max: number;
  readonly span: "minute" | "day";
  readonly spanMs: number;
} {
  return "perDay" in rate
    ? { max: rate.perDay, span: "day", spanMs: DAY_MS }
    : { max: rate.perMinute, span: "minute", spanMs: MINUTE_MS };
}

/** What a source hears whose span is used up. @param of `what` names the limit for people. */
export function rateLimited(
  { max, span }: Pick<ReturnType<typeof spanOf>, "max" | "span">,
  of: { readonly what: string; readonly retryAfterMs: number },
): OpenRedError {
  const { what, retryAfterMs } = of;
  return new OpenRedError("rate_limited", `More than ${max} a ${span} ${what}`, { retryAfterMs });
}

/** Remembers something of a source, as the one that came last. */
export function rememberSource<T>(sources: Map<string, T>, source: string, of: T): void {
  sources.delete(source);
  if (sources.size >= MAX_SOURCES) {
    const [oldest] = sources.keys();
    sources.delete(oldest!);
  }
  sources.set(source, of);
}

/** So many events for each source. */
export class RateLimit {
  readonly #windows = new Map<string, Window>();
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #rate: ReturnType<typeof spanOf>;
  readonly #what: string;

  /** @param options `what` names the limit for people. */
  constructor(clock: Pick<Clock, "monotonicMs">, options: Rate & { readonly what: string }) {
    this.#clock = clock;
    this.#rate = spanOf(options);
    this.#what = options.what;
  }

  /**
   * Counts one event of a source.
   * @throws {OpenRedError} `rate_limited`, with the time until the source's next span begins.
   */
  check(source: string): void {
    if (this.#rate.max === 0) return;
    const { granted, leftMs } = this.take(source, 1);
    if (granted > 0) return;
    throw rateLimited(this.#rate, { what: this.#what, retryAfterMs: leftMs });
  }

  /** Counts up to `wanted` events of a source at once. @returns How many it has left, and what is left of its span. */
  take(source: string, wanted: number): { readonly granted: number; readonly leftMs: number } {
    const { max, spanMs } = this.#rate;
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(source);
    if (window === undefined || nowMs - window.startMs >= spanMs) {
      window = { startMs: nowMs, count: 0 };
      rememberSource(this.#windows, source, window);
    }
    const granted = Math.min(wanted, max - window.count);
    window.count += granted;
    return { granted, leftMs: window.startMs + spanMs - nowMs };
  }
}
