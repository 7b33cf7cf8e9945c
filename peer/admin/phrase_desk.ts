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
  keepPhraseInputSchema,
  type KeptPhraseView,
  makePhraseInputSchema,
  type NewPhraseView,
} from "../../protocol/recovery_phrase_api.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import { SELF_NAMES } from "../own/self_names.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { NodeStore } from "../store/store.ts";
import { AskedPhrase } from "./asked_phrase.ts";
import type { AddPost } from "./peer_routes.ts";

interface PhraseDeskParts {
  readonly crypto: Pick<CryptoCore, "createSuccessor">;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly ownRecord: OwnRecord;
  readonly directories: Pick<Directories, "announce">;
  readonly sessions: Pick<Sessions, "tellRecord">;
  readonly own: { readonly id: NodeId };
}

/** Makes one phrase at a time. */
export class PhraseDesk {
  readonly #parts: PhraseDeskParts;
  readonly #asked: AskedPhrase;

  constructor(parts: PhraseDeskParts) {
    this.#parts = parts;
    this.#asked = new AskedPhrase(parts);
  }

  /**
   * Makes a phrase in the place of one that was shown and not kept.
   * @throws {OpenRedError} `bad_request` for a node that has one.
   */
  async make(): Promise<NewPhraseView> {
    this.#refuseSecond();
    return await this.#asked.show(await this.#parts.crypto.createSuccessor());
  }

  /**
   * Has the phrase hold that was shown last. Directories and peers with a session learn of it at once: only who did
   * follows the identity that it leads to.
   * @throws {OpenRedError} What {@linkcode AskedPhrase.check} throws. Nothing was changed.
   */
  async keep(words: readonly string[]): Promise<KeptPhraseView> {
    const { store, events, ownRecord, directories, sessions, own } = this.#parts;
    this.#refuseSecond();
    const next = this.#asked.check(words);
    this.#asked.forget();
    await store.setSelf(SELF_NAMES.next, encodeBase64Url(next));
    events.settle("no_recovery_phrase");
    events.audit("recovery_phrase_made", { success: true });
    await ownRecord.renew();
    directories.announce();
    sessions.tellRecord();
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

/** Adds the routes; the phrase outranks all else that a browser may be shown, so that making it asks for a factor. */
export function addPhraseRoutes(post: AddPost, desk: PhraseDesk): void {
  post("/recovery-phrase", makePhraseInputSchema, () => desk.make(), { stepUp: "once" });
  post("/recovery-phrase/keep", keepPhraseInputSchema, ({ words }) => desk.keep(words));
}
