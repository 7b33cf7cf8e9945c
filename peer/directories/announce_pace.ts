/**
 * When a node announces itself to a directory, looks whether it is still known there, and tries again after a failure.
 *
 * @module
 */
import type { Random } from "../../ports/ports.ts";
import type { RegisterAnswer } from "../../protocol/directory_api.ts";
import { hasCode, type OpenRedError } from "../../protocol/errors.ts";
import { Backoff, jitter } from "../timing/backoff.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;
const MIN_SPAN_MS = 1_000;
const MAX_SPAN_MS = 24 * 3600 * 1000;

function within(spanMs: number): number {
  return Math.min(Math.max(spanMs, MIN_SPAN_MS), MAX_SPAN_MS);
}

/** The spans of one node at one directory, as that told them last. */
export class AnnouncePace {
  readonly #random: Random;
  readonly #backoff: Backoff;
  /** `Infinity` where the directory does not say, or did not answer last. */
  #lookAfterMs = Infinity;
  /** Within which span a directory that is away wants to hear of this node again; `null` where it never said. */
  #retryWithinMs: number | null = null;

  constructor(random: Random) {
    this.#random = random;
    this.#backoff = new Backoff(random, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
  }

  /** The directory took a record. @returns When to announce again. */
  taken(
    answer: Pick<RegisterAnswer, "reannounce_after_ms" | "look_after_ms" | "retry_within_ms">,
  ): number {
    this.#backoff.reset();
    this.#lookAfterMs = Math.max(answer.look_after_ms ?? Infinity, MIN_SPAN_MS);
    const { retry_within_ms: retryWithinMs } = answer;
    this.#retryWithinMs = retryWithinMs === undefined ? null : within(retryWithinMs);
    return jitter(this.#random, { spanMs: 0.9 * within(answer.reannounce_after_ms), part: 0.1 });
  }

  /** When to look whether the directory still knows this node. */
  look(): number {
    return jitter(this.#random, { spanMs: 0.9 * this.#lookAfterMs, part: 0.1 });
  }

  /**
   * The directory took nothing. Where all its nodes may have met the same, this one keeps to its part of the span that
   * it was told, so that they do not all come back at once.
   * @returns When to try again.
   */
  failed(error: OpenRedError): number {
    this.#lookAfterMs = Infinity;
    const pauseMs = Math.max(this.#backoff.next(), Math.min(error.retryAfterMs ?? 0, MAX_SPAN_MS));
    if (this.#retryWithinMs === null || !hasCode(error, "unreachable", "overloaded")) {
      return pauseMs;
    }
    const spreadMs = jitter(this.#random, { spanMs: 0.75 * this.#retryWithinMs, part: 1 / 3 });
    return Math.max(pauseMs, spreadMs);
  }

  /** What a failure says could not be stored. @returns When to try again. */
  unstored(): number {
    this.#lookAfterMs = Infinity;
    return this.#backoff.next();
  }
}
