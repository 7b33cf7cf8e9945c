/**
 * Limits that several processes of one directory count together.
 *
 * @module
 */
import { encodeBase64Url } from "../crypto/encoding.ts";
import type { Clock, Random } from "../ports/ports.ts";
import { rateLimited, rememberSource, spanOf } from "../ports/rate_limits.ts";
import { CALL_TIMEOUT_MS } from "../protocol/limits.ts";
import type { Limiter, Limits, Place, RateOptions, Rooms } from "./limiters.ts";

/**
 * What part of a limit a process takes at a time. What it holds of a source and does not use, the others do
 * without until that span is over.
 */
const SHARE = 1 / 20;

/** A call that was not left, since its process died, is over by then. */
const CALL_LIFE_MS = 2 * CALL_TIMEOUT_MS;

const NAME_BYTES = 16;

/** What is taken of which limit. */
export interface TakeOptions {
  readonly name: string;
  readonly source: string;
  readonly max: number;
  readonly wanted: number;
  readonly windowMs: number;
}

/** Counters that all processes of a directory see. */
export interface SharedCounters {
  /**
   * Takes up to `wanted` of the `max` events that a source has of a limit in a window, which begins with the first.
   * @returns How many were granted, and what is left of the window.
   */
  take(options: TakeOptions): Promise<{ readonly granted: number; readonly leftMs: number }>;
  /** Enters all places under a name, for so long at most, or none of them. */
  enter(
    options: { readonly name: string; readonly lifeMs: number; readonly places: readonly Place[] },
  ): Promise<boolean>;
  leave(options: { readonly name: string; readonly places: readonly Place[] }): Promise<void>;
}

/** What this process may still take of a source, or that nobody may take any more, until the window ends. */
interface Held {
  left: number;
  readonly isUsedUp: boolean;
  readonly untilMs: number;
}

/** One limit that is counted by {@linkcode SharedCounters}. */
export class SharedRate implements Limiter {
  readonly #held = new Map<string, Held>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #counters: Pick<SharedCounters, "take">;
  readonly #options: RateOptions;
  readonly #rate: ReturnType<typeof spanOf>;

  constructor(
    parts: {
      readonly clock: Pick<Clock, "monotonicMs">;
      readonly counters: Pick<SharedCounters, "take">;
    },
    options: RateOptions,
  ) {
    this.#clock = parts.clock;
    this.#counters = parts.counters;
    this.#options = options;
    this.#rate = spanOf(options);
  }

  check(source: string): void | Promise<void> {
    if (this.#rate.max === 0) return;
    const held = this.#held.get(source);
    const leftMs = (held?.untilMs ?? 0) - this.#clock.monotonicMs();
    if (held !== undefined && leftMs > 0) {
      if (held.isUsedUp) {
        throw rateLimited(this.#rate, { what: this.#options.what, retryAfterMs: leftMs });
      }
      if (held.left > 0) {
        held.left -= 1;
        return;
      }
    }
    return this.#ask(source).then(() => this.check(source));
  }

  /** Requests of one source that come together ask once. */
  #ask(source: string): Promise<void> {
    let asking = this.#asking.get(source);
    if (asking === undefined) {
      asking = this.#take(source).finally(() => this.#asking.delete(source));
      this.#asking.set(source, asking);
    }
    return asking;
  }

  async #take(source: string): Promise<void> {
    const { max, spanMs } = this.#rate;
    const { granted, leftMs } = await this.#counters.take({
      name: this.#options.name,
      source,
      max,
      windowMs: spanMs,
      wanted: Math.max(1, Math.floor(max * SHARE)),
    });
    // Of one that is forgotten, the counters are asked anew.
    rememberSource(this.#held, source, {
      left: granted,
      isUsedUp: granted === 0,
      untilMs: this.#clock.monotonicMs() + Math.max(1, leftMs),
    });
  }
}

class SharedRooms implements Rooms {
  readonly #counters: SharedCounters;
  readonly #random: Random;

  constructor(counters: SharedCounters, random: Random) {
    this.#counters = counters;
    this.#random = random;
  }

  async enter(places: readonly Place[]): Promise<(() => void) | null> {
    const limited = places.filter(({ max }) => max > 0);
    if (limited.length === 0) return () => {};
    const name = encodeBase64Url(this.#random.bytes(NAME_BYTES));
    const isIn = await this.#counters.enter({ name, lifeMs: CALL_LIFE_MS, places: limited });
    if (!isIn) return null;
    // What cannot be left now is over when its life is.
    return () => void this.#counters.leave({ name, places: limited }).catch(() => {});
  }
}

/** Limits of all processes of a directory together. */
export function sharedLimits(
  parts: {
    readonly clock: Pick<Clock, "monotonicMs">;
    readonly random: Random;
    readonly counters: SharedCounters;
  },
): Limits {
  return {
    rate: (options) => new SharedRate(parts, options),
    rooms: new SharedRooms(parts.counters, parts.random),
  };
}
