/**
 * Pauses after wrong passwords of links: they grow for whoever guesses, and more slowly for a link as a whole.
 *
 * @module
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleClock } from "../../api.ts";

const MAX_REMEMBERED = 10_000;
const FORGET_MS = 86_400_000;

interface Pausing {
  /** So many are free. */
  readonly free: number;
  readonly maxMs: number;
}

const OF_SOURCE: Pausing = { free: 3, maxMs: 3_600_000 };
/** Others who have the link wait with those who guess, so never long. */
const OF_LINK: Pausing = { free: 30, maxMs: 60_000 };

interface Guessed {
  wrong: number;
  lastMs: number;
}

/** The wrong passwords of all links, in memory. */
export class Guesses {
  readonly #clock: Pick<ModuleClock, "monotonicMs">;
  readonly #guessed = new Map<string, Guessed>();

  constructor(clock: Pick<ModuleClock, "monotonicMs">) {
    this.#clock = clock;
  }

  /**
   * Counts a guess as wrong, before it is looked at: so many at once are no way around a pause.
   * @throws {OpenRedError} `rate_limited` while there is a pause.
   */
  begin(link: string, source: string): void {
    const nowMs = this.#clock.monotonicMs();
    const both = [[ofSource(link, source), OF_SOURCE], [link, OF_LINK]] as const;
    const waitMs = Math.max(...both.map(([key, pausing]) => this.#waitMs(key, pausing, nowMs)));
    if (waitMs > 0) {
      throw new OpenRedError("rate_limited", "Too many wrong passwords; wait before the next one", {
        retryAfterMs: waitMs,
      });
    }
    for (const [key] of both) this.#note(key, nowMs);
  }

  /** The guess was right. */
  right(link: string, source: string): void {
    this.#guessed.delete(ofSource(link, source));
    const ofLink = this.#guessed.get(link);
    if (ofLink !== undefined) ofLink.wrong -= 1;
  }

  #waitMs(key: string, { free, maxMs }: Pausing, nowMs: number): number {
    const { wrong, lastMs } = this.#guessed.get(key) ?? { wrong: 0, lastMs: 0 };
    if (wrong < free) return 0;
    const pauseMs = Math.min(1_000 * 2 ** (wrong - free), maxMs);
    return lastMs + pauseMs - nowMs;
  }

  #note(key: string, nowMs: number): void {
    const before = this.#guessed.get(key);
    const isStale = before === undefined || nowMs - before.lastMs > FORGET_MS;
    this.#guessed.delete(key);
    this.#guessed.set(key, { wrong: isStale ? 1 : before.wrong + 1, lastMs: nowMs });
    if (this.#guessed.size <= MAX_REMEMBERED) return;
    this.#guessed.delete(this.#guessed.keys().next().value!);
  }
}

function ofSource(link: string, source: string): string {
  return `${link} ${source}`;
}
