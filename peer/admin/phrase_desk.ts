/**
 * The recovery phrase of a running node that has none: it is shown once, and holds when some of its words came back.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  ASKED_WORDS,
  keepPhraseInputSchema,
  type KeptPhraseView,
  makePhraseInputSchema,
  type NewPhraseView,
} from "../../protocol/recovery_phrase_api.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import { SELF_NAMES } from "../own/self_names.ts";
import type { NodeStore } from "../store/store.ts";
import type { AddPost } from "./peer_routes.ts";

const LIFE_MS = 30 * 60_000;
const MAX_TRIES = 5;

interface PhraseDeskParts {
  readonly crypto: Pick<CryptoCore, "createSuccessor">;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly ownRecord: OwnRecord;
  readonly own: { readonly id: NodeId };
}

/** A phrase that was shown: nothing of it is kept but what it is checked by. */
interface Shown {
  readonly next: string;
  readonly answer: string;
  readonly endsMs: number;
  tries: number;
}

/** Makes one phrase at a time. */
export class PhraseDesk {
  readonly #parts: PhraseDeskParts;
  #shown: Shown | null = null;

  constructor(parts: PhraseDeskParts) {
    this.#parts = parts;
  }

  /**
   * Makes a phrase in the place of one that was shown and not kept.
   * @throws {OpenRedError} `bad_request` for a node that has one.
   */
  async make(): Promise<NewPhraseView> {
    const { crypto, clock, random } = this.#parts;
    this.#refuseSecond();
    const { toPhrase } = await import("../../ports/recovery_words.ts");
    const { phrase, next } = await crypto.createSuccessor();
    const words = toPhrase(phrase).split(" ");
    phrase.fill(0);
    const asked = draw(random, words.length);
    this.#shown = {
      next: encodeBase64Url(next),
      answer: asked.map((place) => words[place - 1]!).join(" "),
      endsMs: clock.monotonicMs() + LIFE_MS,
      tries: 0,
    };
    return { words, asked, expires_at: clock.nowMs() + LIFE_MS };
  }

  /**
   * Has the phrase hold that was shown last.
   * @throws {OpenRedError} `bad_request` for other words, `not_found` where none is waited for: after half an hour,
   *   after the fifth wrong answer, or a restart. Nothing was changed.
   */
  async keep(words: readonly string[]): Promise<KeptPhraseView> {
    const { clock, store, events, ownRecord, own } = this.#parts;
    this.#refuseSecond();
    const shown = this.#shown;
    if (shown === null || clock.monotonicMs() >= shown.endsMs || shown.tries >= MAX_TRIES) {
      this.#shown = null;
      throw new OpenRedError("not_found", "No recovery phrase waits for its words; make another");
    }
    if (words.map((word) => word.trim().toLowerCase()).join(" ") !== shown.answer) {
      shown.tries += 1;
      throw new OpenRedError("bad_request", "These are not the words at those places");
    }
    this.#shown = null;
    await store.setSelf(SELF_NAMES.next, shown.next);
    events.settle("no_recovery_phrase");
    events.audit("recovery_phrase_made", { success: true });
    await ownRecord.renew();
    return { node_id: own.id };
  }

  #refuseSecond(): void {
    if (this.#parts.store.self(SELF_NAMES.next) === null) return;
    throw new OpenRedError(
      "bad_request",
      "This node has a recovery phrase already, which cannot be shown again or replaced",
    );
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

/** Adds the routes; the phrase outranks all else that a browser may be shown, so that making it asks for a factor. */
export function addPhraseRoutes(post: AddPost, desk: PhraseDesk): void {
  post("/recovery-phrase", makePhraseInputSchema, () => desk.make(), { stepUp: "once" });
  post("/recovery-phrase/keep", keepPhraseInputSchema, ({ words }) => desk.keep(words));
}
