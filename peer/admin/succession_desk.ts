/**
 * The succession of a running node: another identity is made from its recovery phrase, and the node begins anew as that
 * one (docs/ARCHITECTURE.md, "Succession").
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import {
  type AuditPosition,
  type CryptoCore,
  CryptoError,
  type KeystoreCost,
} from "../../crypto/interface.ts";
import { releaseKeys } from "../../ports/keystore_files.ts";
import type { Clock, Files, OpenDatabase, Random } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { SECRET_BYTES } from "../../protocol/sign_in_api.ts";
import {
  beginSuccessionInputSchema,
  makeSuccessionInputSchema,
  type NewSuccessionView,
  type SuccessionView,
} from "../../protocol/succession_api.ts";
import type { NextRun } from "../config.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import { type Journal, writeJournal } from "../data/journal.ts";
import {
  assertFollowable,
  draftSuccession,
  openFormerKeys,
  type Successor,
} from "../data/succeed.ts";
import type { NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";
import { AskedPhrase } from "./asked_phrase.ts";
import type { KeyChanges } from "./key_changes.ts";
import { canonicalForm } from "./passphrase_desk.ts";
import type { AddPost } from "./peer_routes.ts";

interface SuccessionDeskParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly store: NodeStore;
  readonly audit: Pick<AuditLog, "durable">;
  readonly events: Pick<NodeEvents, "audit">;
  readonly own: { readonly id: NodeId };
  readonly keyChanges: KeyChanges;
  readonly reopen: (next: NextRun) => void;
}

/** What is given twice, so that nothing of it is kept in between. */
interface Given {
  readonly phrase: string;
  readonly words: readonly string[];
  /** Wiped. */
  readonly passphrase: Uint8Array | null;
}

/** Makes one succession, the only one that a node lives to see. */
export class SuccessionDesk {
  readonly #parts: SuccessionDeskParts;
  readonly #cost: KeystoreCost | undefined;
  readonly #asked: AskedPhrase;
  #made: Journal | null = null;

  constructor(
    parts: SuccessionDeskParts,
    { keystoreCost }: { readonly keystoreCost?: KeystoreCost },
  ) {
    this.#parts = parts;
    this.#cost = keystoreCost;
    this.#asked = new AskedPhrase(parts);
  }

  /**
   * Says who would follow, and shows the recovery phrase that identity is to have. Nothing is changed.
   * @throws {OpenRedError} `bad_request` for what is no phrase, `forbidden` for another node's, `not_found` for a node
   *   that has none.
   */
  async begin(phrase: string): Promise<NewSuccessionView> {
    return await this.#withSuccessor(phrase, async ({ nodeId }) => {
      const shown = await this.#asked.show(await this.#parts.crypto.createSuccessor());
      return { ...shown, node_id: nodeId };
    });
  }

  /**
   * Makes the succession certain, and has the node begin anew.
   * @throws {OpenRedError} As {@linkcode SuccessionDesk.begin} and {@linkcode AskedPhrase.check}; `forbidden` for a wrong
   *   or missing passphrase, `overloaded` where the disk takes nothing, or while the keys are changed otherwise.
   *   Nothing was changed then.
   */
  async make(given: Given): Promise<SuccessionView> {
    let end = () => {};
    try {
      end = this.#parts.keyChanges.begin();
      return await this.#make(given);
    } catch (cause) {
      const isWrong = cause instanceof CryptoError && cause.code === "unseal_failed";
      // Whoever asks is signed in: it is the keys that know nobody.
      if (!isWrong && !hasCode(cause, "unauthorized")) throw cause;
      this.#parts.events.audit("succession_made", { success: false });
      const text = `The passphrase is ${isWrong ? "wrong" : "missing"}; nothing was changed`;
      throw new OpenRedError("forbidden", text, { cause });
    } finally {
      given.passphrase?.fill(0);
      // What was changed after it was made would be undone.
      if (this.#made === null) end();
    }
  }

  /**
   * Notes where the log of the former identity ends, now that it takes nothing more. Where the disk refuses, what was
   * noted before still holds.
   */
  async stopped({ number, hash }: AuditPosition): Promise<void> {
    if (this.#made === null) return;
    const journal = { ...this.#made, formerHead: `${number}:${hash}` };
    await writeJournal(this.#parts.files, journal).catch(() => undefined);
  }

  async #make(given: Given): Promise<SuccessionView> {
    const { events, files, random, reopen } = this.#parts;
    const next = this.#asked.check(given.words);
    const passphrase = canonicalForm(given.passphrase, 1) ?? undefined;
    try {
      const journal = await this.#withSuccessor(
        given.phrase,
        (successor) => this.#draft(successor, { next, passphrase }),
      );
      await writeJournal(files, journal).catch((cause) => {
        if (!hasCode(cause, "internal")) throw cause;
      });
      this.#made = journal;
      this.#asked.forget();
      events.audit("succession_made", { success: true, next: journal.id });
      const consoleLink = encodeBase64Url(random.bytes(SECRET_BYTES));
      reopen({ passphrase: passphrase?.slice() ?? null, consoleLink });
      return { node_id: journal.id, link: consoleLink };
    } finally {
      passphrase?.fill(0);
    }
  }

  /** The keys are opened anew, which proves the passphrase that the new ones will be under. */
  async #draft(
    successor: Successor,
    { next, passphrase }: { next: Uint8Array; passphrase: Uint8Array | undefined },
  ): Promise<Journal> {
    const { crypto, store, audit, own } = this.#parts;
    const keys = await openFormerKeys(this.#parts, {
      store,
      successor,
      passphrase: passphrase?.slice(),
    });
    try {
      const { number, hash } = audit.durable.position;
      const former = { id: own.id, head: `${number}:${hash}`, keystore: keys.keystore };
      return await draftSuccession(this.#parts, {
        successor,
        former,
        next,
        passphrase,
        cost: this.#cost,
      });
    } finally {
      await releaseKeys(crypto, keys);
    }
  }

  /** Does something with the key that a phrase makes, if that is the one to follow this node's. */
  async #withSuccessor<T>(phrase: string, work: (successor: Successor) => Promise<T>): Promise<T> {
    const { crypto, events, store } = this.#parts;
    const bytes = await readPhrase(phrase);
    const successor = await crypto.openSuccessor({ phrase: bytes });
    bytes.fill(0);
    try {
      assertFollowable(store, successor);
      return await work(successor);
    } catch (error) {
      if (hasCode(error, "forbidden")) events.audit("succession_made", { success: false });
      throw error;
    } finally {
      await crypto.release(successor.key);
    }
  }
}

/** @throws {OpenRedError} `bad_request`, with the number of the word that is none. */
async function readPhrase(text: string): Promise<Uint8Array> {
  const { fromPhrase, PhraseError } = await import("../../ports/recovery_words.ts");
  try {
    return fromPhrase(text);
  } catch (cause) {
    if (!(cause instanceof PhraseError)) throw cause;
    const { message, word } = cause;
    throw new OpenRedError("bad_request", message, { cause, members: { word } });
  }
}

/** Adds the routes: what the first one takes and shows outranks all else in a browser. */
export function addSuccessionRoutes(post: AddPost, desk: SuccessionDesk): void {
  post("/succession", beginSuccessionInputSchema, ({ phrase }) => desk.begin(phrase), {
    stepUp: "once",
  });
  post("/succession/make", makeSuccessionInputSchema, (input) => desk.make(input));
}
