/**
 * How often somebody may be wrong. Browsers that once signed in are counted each by itself, all others together, so
 * that no stranger can keep the owner out; whatever kind of factor is tried counts alike.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { ModuleContext } from "../api.ts";

/** Wrong ones without a pause. */
const FREE = 3;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 15 * 60_000;
const STRANGERS_A_DAY = 20;
const DAY_MS = 24 * 3_600_000;
const ROW = "guesses";
const MAX_GUESSERS = 256;

const daySchema = v.strictObject({ since: v.number(), count: v.number() });

/** Who tries: a device, the terminal, or `null` for everybody else. */
export type Guesser = string | null;

interface Tries {
  wrong: number;
  pausedUntilMs: number;
}

/** What was tried. */
export class Guesses {
  readonly #parts: Pick<ModuleContext, "clock" | "storage">;
  readonly #tries = new Map<Guesser, Tries>();
  /** Of strangers; it outlives a restart. */
  #day = { since: 0, count: 0 };

  constructor(parts: Pick<ModuleContext, "clock" | "storage">) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    const row = await this.#parts.storage.get(ROW);
    if (row !== null) this.#day = parseInput(daySchema, parseJson(decodeUtf8(row)));
  }

  /** How long until the next one may be tried; 0 where that is now. */
  waitMs(guesser: Guesser): number {
    const { clock } = this.#parts;
    const pauseMs = (this.#tries.get(guesser)?.pausedUntilMs ?? 0) - clock.monotonicMs();
    return Math.max(0, pauseMs, guesser === null ? this.#dayWaitMs() : 0);
  }

  /**
   * Counts a try as a wrong one before it is looked at: of many at once none is free.
   * @throws {OpenRedError} `rate_limited`.
   */
  async take(guesser: Guesser): Promise<void> {
    const waitMs = this.waitMs(guesser);
    if (waitMs > 0) {
      throw new OpenRedError(
        "rate_limited",
        "Too many factors were wrong; wait, or use a passkey",
        {
          retryAfterMs: waitMs,
        },
      );
    }
    const tries = this.#triesOf(guesser);
    tries.wrong += 1;
    tries.pausedUntilMs = this.#parts.clock.monotonicMs() + pauseAfter(tries.wrong);
    if (guesser !== null) return;
    if (this.#parts.clock.nowMs() - this.#day.since >= DAY_MS) {
      this.#day = { since: this.#parts.clock.nowMs(), count: 0 };
    }
    this.#day.count += 1;
    await this.#parts.storage.put(ROW, encodeUtf8(JSON.stringify(this.#day)));
  }

  /** The try was right: it counts no more, nor do those before it. */
  async forgive(guesser: Guesser): Promise<void> {
    this.#tries.delete(guesser);
    if (guesser !== null) return;
    this.#day.count -= 1;
    await this.#parts.storage.put(ROW, encodeUtf8(JSON.stringify(this.#day)));
  }

  #dayWaitMs(): number {
    const { since, count } = this.#day;
    return count < STRANGERS_A_DAY ? 0 : since + DAY_MS - this.#parts.clock.nowMs();
  }

  #triesOf(guesser: Guesser): Tries {
    const known = this.#tries.get(guesser);
    if (known !== undefined) return known;
    const [oldest] = this.#tries.keys();
    if (this.#tries.size >= MAX_GUESSERS && oldest !== undefined) this.#tries.delete(oldest);
    const tries = { wrong: 0, pausedUntilMs: 0 };
    this.#tries.set(guesser, tries);
    return tries;
  }
}

function pauseAfter(wrong: number): number {
  return wrong < FREE ? 0 : Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (wrong - FREE));
}
