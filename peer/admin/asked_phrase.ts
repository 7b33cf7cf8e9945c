/**
 * A recovery phrase that is shown once, and holds when some of its words came back.
 *
 * @module
 */
import type { Clock, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { ASKED_WORDS, type NewPhraseView } from "../../protocol/recovery_phrase_api.ts";

const LIFE_MS = 30 * 60_000;
const MAX_TRIES = 5;

/** A phrase that was shown: nothing of it is kept but what it is checked by. */
interface Shown {
  /** SHA-256 of the key that it makes. */
  readonly next: Uint8Array;
  readonly answer: string;
  readonly endsMs: number;
  tries: number;
}

/** One phrase at a time. */
export class AskedPhrase {
  readonly #clock: Clock;
  readonly #random: Random;
  #shown: Shown | null = null;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Shows a phrase in the place of one that was shown before. @param made `phrase`: 32 bytes, wiped. */
  async show(
    { phrase, next }: { readonly phrase: Uint8Array; readonly next: Uint8Array },
  ): Promise<NewPhraseView> {
    const { toPhrase } = await import("../../ports/recovery_words.ts");
    const words = toPhrase(phrase).split(" ");
    phrase.fill(0);
    const asked = draw(this.#random, words.length);
    this.#shown = {
      next,
      answer: asked.map((place) => words[place - 1]!).join(" "),
      endsMs: this.#clock.monotonicMs() + LIFE_MS,
      tries: 0,
    };
    return { words, asked, expires_at: this.#clock.nowMs() + LIFE_MS };
  }

  /**
   * Looks at the words that came back.
   * @returns What belongs to the phrase.
   * @throws {OpenRedError} `bad_request` for other words, `not_found` where none is waited for: after half an hour,
   *   after the fifth wrong answer, or a restart.
   */
  check(words: readonly string[]): Uint8Array {
    const shown = this.#shown;
    if (shown === null || this.#clock.monotonicMs() >= shown.endsMs || shown.tries >= MAX_TRIES) {
      this.#shown = null;
      throw new OpenRedError("not_found", "No recovery phrase waits for its words; make another");
    }
    if (words.map((word) => word.trim().toLowerCase()).join(" ") !== shown.answer) {
      shown.tries += 1;
      throw new OpenRedError("bad_request", "These are not the words at those places");
    }
    return shown.next;
  }

  /** Waits for no words any more. */
  forget(): void {
    this.#shown = null;
  }
}

/** Draws places, counted from 1, in their order. */
function draw(random: Random, count: number): number[] {
  const places = new Set<number>();
  const fair = 256 - 256 % count;
  while (places.size < ASKED_WORDS) {
    const [byte] = random.bytes(1);
    if (byte! < fair) places.add(1 + byte! % count);
  }
  return [...places].toSorted((a, b) => a - b);
}
