/**
 * What counts how often something is done, and how often at a time: in this process alone, or in all that share a store.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { type Rate, RateLimit } from "../ports/rate_limits.ts";

/** So many events for each source. */
export interface Limiter {
  /**
   * Counts one event of a source.
   * @throws {OpenRedError} `rate_limited`, also as a rejection; `overloaded` where what counts is away.
   */
  check(source: string): void | Promise<void>;
}

/** One limit. */
export type RateOptions = Rate & {
  /** What is counted; no two limits share a name. */
  readonly name: string;
  /** The limit for people. */
  readonly what: string;
};

/** A place in which so many calls may be under way at a time; `max` 0 means no limit. */
export interface Place {
  readonly place: string;
  readonly max: number;
}

/** Counts calls under way. */
export interface Rooms {
  /** @returns What leaves all of the places again, or `null` where one of them is full: then none was entered. */
  enter(places: readonly Place[]): Promise<(() => void) | null>;
}

/** What a directory limits by. */
export interface Limits {
  rate(options: RateOptions): Limiter;
  readonly rooms: Rooms;
}

/** The limit of all requests of one address. */
export function addressRate(perMinute: number): RateOptions {
  return { name: "address", perMinute, what: "of one address" };
}

class LocalRooms implements Rooms {
  readonly #inside = new Map<string, number>();

  enter(places: readonly Place[]): Promise<(() => void) | null> {
    const isFull = ({ place, max }: Place) => max > 0 && (this.#inside.get(place) ?? 0) >= max;
    if (places.some(isFull)) return Promise.resolve(null);
    for (const { place } of places) this.#inside.set(place, (this.#inside.get(place) ?? 0) + 1);
    return Promise.resolve(() => {
      for (const { place } of places) this.#leave(place);
    });
  }

  #leave(place: string): void {
    const left = this.#inside.get(place)! - 1;
    if (left === 0) this.#inside.delete(place);
    else this.#inside.set(place, left);
  }
}

/** Limits of a directory that is one process. */
export interface LocalLimits extends Limits {
  rate(options: RateOptions): RateLimit;
}

/** They are counted here alone. */
export function localLimits(clock: Pick<Clock, "monotonicMs">): LocalLimits {
  return { rate: (options) => new RateLimit(clock, options), rooms: new LocalRooms() };
}
