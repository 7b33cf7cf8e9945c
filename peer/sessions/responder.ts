/**
 * The answering side of a handshake: message 1 in, message 2 out.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import {
  type AcceptedHandshake,
  type CryptoCore,
  CryptoError,
  type NoiseKeyInfo,
  type ReadHandshake,
  type RotationPolicy,
  type Suite,
} from "../../crypto/interface.ts";
import { commonMethods } from "../../crypto/common_methods.ts";
import type { Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CONFIRMATION_MS, MAX_HANDSHAKES_PER_PAIR } from "../../protocol/limits.ts";
import { type HandshakeRequest } from "../../protocol/peer_api.ts";
import type { VerifiedRecord } from "../../protocol/record.ts";
import type { MethodBook } from "../own/method_book.ts";
import { type NodeEvents, reasonOf } from "../events/events.ts";
import { NextMethod } from "../own/next_method.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";
import type { PairEntry } from "../tokens/pair_entry.ts";
import type { TokenVault } from "../tokens/vault.ts";
import { isCutOff } from "./revoking.ts";
import { Session, type SessionTable } from "./session.ts";
import { setOf, standbyEntries } from "./standby.ts";
import { isBestOffer, isOwnSuite, type SuiteLists } from "./suites.ts";

export interface HandshakeParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly decisions: Decisions;
  readonly ownRecord: OwnRecord;
  readonly methods: MethodBook;
  readonly table: SessionTable;
  readonly validations: ValidationCache;
  readonly noiseKeys: readonly NoiseKeyInfo[];
  readonly own: {
    readonly id: NodeId;
    readonly rotation: RotationPolicy;
    readonly sessionLifeMs: number;
  };
}

/** Message 2 as it goes out. */
export interface HandshakeAnswer {
  readonly session_established: true;
  readonly session_id: string;
  readonly noise: string;
}

/** Whom a message 1 would be from, as its pair says. */
export interface PairHolder {
  readonly peer: NodeId;
  /** Whether somebody here decided about that peer. */
  readonly isDecided: boolean;
}

interface GivenAnswer {
  readonly answer: HandshakeAnswer;
  readonly givenMs: number;
}

/** Answers handshakes for one node. */
export class Responder {
  readonly #parts: HandshakeParts;
  readonly #nextMethod: NextMethod;
  readonly #answers = new Map<string, GivenAnswer>();
  /** One message 1 of a pair at a time. */
  readonly #pairs = new Map<string, Promise<unknown>>();

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    this.#nextMethod = new NextMethod(parts.crypto, parts.own.rotation);
  }

  /**
   * Whose pair a message 1 is on, and whether somebody here decided about that peer; `null` where no such pair can be
   * used any more. Only whoever made an unused pair, and who has a half of it, has seen its id.
   * @param pairId 16 bytes.
   */
  callerOf(pairId: Uint8Array): PairHolder | null {
    const { vault, decisions } = this.#parts;
    const pair = vault.get(Buffer.from(pairId).toString("hex"));
    if (pair === null || pair.half === null || !vault.isAlive(pair)) return null;
    return { peer: pair.peer, isDecided: decisions.isDecided(pair.peer) };
  }

  /**
   * Takes message 1. The pair is consumed durably before message 2 goes out.
   * @throws {OpenRedError} `handshake_rejected`, whatever the reason.
   */
  async answer(request: HandshakeRequest): Promise<HandshakeAnswer> {
    const pairId = Buffer.from(request.pair_id).toString("hex");
    const before = this.#pairs.get(pairId) ?? Promise.resolve();
    const turn = before.then(() => this.#answer(pairId, request));
    const settled = turn.catch(() => {});
    this.#pairs.set(pairId, settled);
    try {
      return await turn;
    } catch (cause) {
      this.#parts.events.count("handshakes_refused");
      const why = reasonOf(cause);
      this.#parts.events.auditStranger("handshake_refused", { success: false, why });
      throw rejection(cause);
    } finally {
      if (this.#pairs.get(pairId) === settled) this.#pairs.delete(pairId);
    }
  }

  async #answer(pairId: string, request: HandshakeRequest): Promise<HandshakeAnswer> {
    const pair = this.#parts.vault.get(pairId);
    if (pair === null || pair.info.role !== "responder" || !this.#parts.vault.isAlive(pair)) {
      reject("The pair is unknown or has expired");
    }
    if (!this.#parts.methods.has(pair.info.method)) {
      reject("The pair's method is a module's that is not in use here");
    }
    const given = pair.taken.length === 0 ? null : await this.#findGiven(pair, request);
    if (given !== null) return given;
    if (pair.half === null) reject("A session of this pair was confirmed");
    if (pair.taken.length >= MAX_HANDSHAKES_PER_PAIR) reject("Too many messages for one pair");
    return await this.#open(pair, request);
  }

  /** What a message was answered with that comes again, as long as that is remembered. */
  async #findGiven(pair: PairEntry, request: HandshakeRequest): Promise<HandshakeAnswer | null> {
    const { suite, pair_id: pairId, noise } = request;
    const hash = encodeBase64Url(
      await this.#parts.crypto.handshakeHash({ suite, pairId, noise }),
    );
    const given = this.#givenAnswer(hash);
    if (given !== null && !isCutOff(this.#parts, pair)) return given;
    if (pair.half !== null && pair.taken.includes(hash)) reject("This message was answered before");
    return null;
  }

  #givenAnswer(hash: string): HandshakeAnswer | null {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [key, { givenMs }] of this.#answers) {
      if (nowMs - givenMs >= CONFIRMATION_MS) this.#answers.delete(key);
    }
    return this.#answers.get(hash)?.answer ?? null;
  }

  async #open(pair: PairEntry, request: HandshakeRequest): Promise<HandshakeAnswer> {
    const { crypto, ownRecord, noiseKeys } = this.#parts;
    const record = await ownRecord.current();
    const lists = { own: record.payload.suites, ownFresh: ownRecord.freshSuites() };
    const { suite } = request;
    if (!isOwnSuite(suite, lists)) reject("The suite is not one this node takes");
    if (pair.half === null) reject("The pair is spent");
    const read = await crypto.readHandshake({
      noiseKeys: ownRecord.namedKeys(noiseKeys).map((noiseKey) => noiseKey.key),
      suite,
      half: pair.half,
      noise: request.noise,
    });
    const hash = encodeBase64Url(read.hash);
    try {
      const peer = await this.#checkPeer(pair, read);
      this.#checkKeys(peer, { read, suite, lists });
      return await this.#accept({ pair, read, suite, peer, record, hash });
    } catch (error) {
      // An answer has used it up.
      await crypto.release(read.handshake);
      throw error;
    }
  }

  /** @returns The newest record of the initiator, the one just shown included. */
  async #checkPeer(pair: PairEntry, read: ReadHandshake): Promise<VerifiedRecord> {
    const { book } = this.#parts;
    const shown = await book.verifyShown(pair.peer, read.record);
    if (shown.id !== pair.peer) reject("The record is not the initiator's");
    if (read.succession !== null) {
      await book.follow({ chain: [read.succession], record: shown });
    }
    const peer = book.judge(shown);
    if (peer.payload.gone) reject("The initiator is gone");
    this.#checkNotBlocked(shown.id);
    return peer;
  }

  #checkNotBlocked(peer: NodeId): void {
    if (this.#parts.permissions.isBlocked(peer)) reject("The initiator is blocked");
  }

  #checkKeys(
    peer: VerifiedRecord,
    offer: { read: ReadHandshake; suite: Suite; lists: SuiteLists },
  ): void {
    const expected = peer.payload.noise_key;
    if (!offer.read.staticKey.every((byte, index) => byte === expected[index])) {
      reject("The static key is not the one of the initiator's newest record");
    }
    if (!isBestOffer(offer.suite, peer.payload.suites, offer.lists)) {
      reject("The suite is worse than the best of both records");
    }
  }

  async #accept(
    made: {
      pair: PairEntry;
      read: ReadHandshake;
      suite: Suite;
      peer: VerifiedRecord;
      record: VerifiedRecord;
      hash: string;
    },
  ): Promise<HandshakeAnswer> {
    const { clock, events, own, table } = this.#parts;
    const nowMs = clock.nowMs();
    const method = await this.#nextMethod.choose(nowMs, this.#commonMethods(made));
    const accepted = await this.#validate(made.pair, {
      handshake: made.read.handshake,
      record: made.record.text,
      lifeMs: own.sessionLifeMs,
      next: { method, issuedAt: nowMs },
      nowMs: clock.monotonicMs(),
    });
    const session = new Session(this.#parts, {
      established: accepted,
      pair: made.pair,
      role: "responder",
      suite: made.suite,
      lifeMs: own.sessionLifeMs,
      recordSeq: made.record.payload.seq,
      sequence: table.nextSequence(),
    });
    try {
      await this.#consume(made, session, accepted);
    } catch (error) {
      table.remove(session);
      await session.release();
      throw error;
    }
    const answer: HandshakeAnswer = {
      session_established: true,
      session_id: encodeBase64Url(accepted.sessionId),
      noise: encodeBase64Url(accepted.noise),
    };
    this.#answers.set(made.hash, { answer, givenMs: clock.monotonicMs() });
    events.count("handshakes_accepted");
    const { suite } = made;
    events.auditPeer("handshake", {
      peer: made.pair.peer,
      success: true,
      role: "responder",
      suite,
    });
    return answer;
  }

  async #validate(
    pair: PairEntry,
    accept: Parameters<CryptoCore["acceptHandshake"]>[0],
  ): Promise<AcceptedHandshake> {
    const validation = {
      peer: pair.peer,
      valid_until: pair.endsAt,
      crypto_method: pair.info.method,
    };
    const { crypto, validations, events } = this.#parts;
    const noted = { peer: pair.peer, method: pair.info.method };
    try {
      const accepted = await crypto.acceptHandshake(accept);
      validations.note(pair.pairId, { ...validation, validation_result: true });
      events.auditPeer("token_validated", { ...noted, success: true });
      return accepted;
    } catch (error) {
      validations.note(pair.pairId, { ...validation, validation_result: false });
      events.auditPeer("token_validated", { ...noted, success: false });
      throw error;
    }
  }

  /** What both records list, as far as it is still in use here. */
  #commonMethods({ record, peer }: { record: VerifiedRecord; peer: VerifiedRecord }): string[] {
    const { methods } = this.#parts;
    const own = record.payload.methods.filter((method) => methods.has(method));
    return commonMethods(own, peer.payload.methods);
  }

  /** Stores that the pair was used, with the next pairs, in one durable write. */
  async #consume(
    made: { pair: PairEntry; peer: VerifiedRecord; hash: string },
    session: Session,
    accepted: AcceptedHandshake,
  ): Promise<void> {
    const { vault, book, table, clock } = this.#parts;
    const pair = vault.get(made.pair.pairId);
    if (pair === null || pair.half === null) reject("The pair was spent meanwhile");
    this.#checkNotBlocked(session.peer);
    const replaced = pair.session === null ? null : table.get(pair.session);
    if (replaced !== null) table.remove(replaced);
    const drop = pair.session === null
      ? []
      : setOf(vault, { peer: pair.peer, id: pair.session }).map((entry) => entry.pairId);
    const put = [
      { ...pair, taken: [...pair.taken, made.hash], session: session.id },
      ...standbyEntries(accepted.standby, session, clock.nowMs()),
    ];
    // A standby pair whose session is in no table counts as left over: the session comes first.
    table.add(session);
    try {
      await Promise.all([vault.commit({ put, drop }), book.take(made.peer)]);
    } catch (error) {
      await this.#giveBack(pair, { session, hash: made.hash });
      throw error;
    } finally {
      await replaced?.release();
    }
    if (table.get(session.id) !== session) reject("The session was cut off meanwhile");
  }

  /** What could not be stored was not answered: the same message may come again, and there are no next pairs. */
  async #giveBack(before: PairEntry, made: { session: Session; hash: string }): Promise<void> {
    const { vault } = this.#parts;
    const pair = vault.get(before.pairId);
    const put = pair === null ? [] : [{
      ...pair,
      taken: pair.taken.filter((hash) => hash !== made.hash),
      session: before.session,
    }];
    // In memory at once; the disk may take it later, as it may what this undoes.
    const drop = setOf(vault, made.session).map((entry) => entry.pairId);
    await vault.commit({ put, drop }).catch(() => {});
  }
}

function reject(why: string): never {
  throw new OpenRedError("handshake_rejected", why);
}

/** Whatever the reason, outside it is the same refusal; the reason stays in the cause. */
function rejection(cause: unknown): unknown {
  const refused = cause instanceof CryptoError
    ? cause.code !== "core_failed"
    : cause instanceof OpenRedError && cause.code !== "overloaded";
  if (!refused) return cause;
  return new OpenRedError("handshake_rejected", "The handshake was rejected", { cause });
}
