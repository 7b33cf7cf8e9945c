/**
 * The calling side of a handshake: message 1 out, repeated until an answer holds.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { CryptoError, type KeyRef, type ReadAnswer, type Suite } from "../../crypto/interface.ts";
import type { HttpClient } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  ATTEMPT_MS,
  CALL_TIMEOUT_MS,
  MAX_ANSWER_BYTES,
  MAX_SESSION_LIFE_MS,
  MIN_SESSION_LIFE_MS,
} from "../../protocol/limits.ts";
import { problemSchema } from "../../protocol/directory_api.ts";
import { HANDSHAKE_PATH, handshakeAnswerSchema } from "../../protocol/peer_api.ts";
import type { VerifiedRecord } from "../../protocol/record.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import {
  reasonOfStatus,
  type UnreachableReason,
  unreachableReason,
} from "../../protocol/unreachable.ts";
import type { Directories } from "../directories/directories.ts";
import type { PairEntry } from "../tokens/pair_entry.ts";
import type { HandshakeParts } from "./responder.ts";
import type { OwnSuccession } from "../own/own_succession.ts";
import type { CallOptions } from "./links.ts";
import type { FrameAnswer, HandshakeFrames } from "./handshake_frames.ts";
import { isCutOff } from "./revoking.ts";
import { Session } from "./session.ts";
import { hasProvenPair, standbyEntries, tooManySets } from "./standby.ts";
import { settleStranded, warnStranded } from "./trouble.ts";
import { bestSuite } from "./suites.ts";

const FIRST_REPEAT_MS = 1_000;
const LAST_REPEAT_MS = 15_000;
/** How many pairs are remembered as started. */
const MAX_STARTED = 10_000;

export interface CallerParts extends HandshakeParts {
  readonly http: HttpClient;
  readonly directories: Directories;
  readonly succession?: OwnSuccession;
  /** Refuses URLs that must not be called. */
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** The URL to call a peer at now; that of its record if absent. */
  readonly urlOf?: (peer: NodeId) => string | null;
  /** The way by frames, where there is a session and a channel already. */
  readonly frames?: Pick<HandshakeFrames, "isOpenTo" | "ask">;
}

/** How an attempt on one pair ended; `unusable`: nothing was sent. */
type Outcome = Session | "refused" | "silent" | "unusable";

interface Attempt {
  readonly pair: PairEntry;
  readonly suite: Suite;
  readonly handshake: KeyRef;
  /** Message 1. */
  readonly noise: Uint8Array;
  readonly record: VerifiedRecord;
  readonly url: string;
  /** Whether the address was looked at, without which nothing is posted there. */
  isUrlChecked: boolean;
}

/** Calls peers for one node. */
export class Caller {
  readonly #parts: CallerParts;
  /** Pairs on which this run has sent a message 1, hex: a refusal of those may have a reason. */
  readonly #started = new Set<string>();

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /**
   * Tries every pair this node may start from, then asks for an introduction. Ends when the peer's own call has led to
   * a session meanwhile.
   * @returns An unconfirmed session, or `null` if the peer did not answer, or its own call came first.
   * @throws {OpenRedError} What the directories answered when no pair was left; `url_refused` or `unreachable` for an
   *   address that must not be called or is none, once the peer was looked up; `forbidden` if it was cut off meanwhile.
   */
  async call(peer: NodeId, options: CallOptions): Promise<Session | null> {
    const { signal, mayAsk } = options;
    const tried = new Set<string>();
    const since = this.#parts.table.lastSequence;
    for (const { pairId } of this.#parts.vault.startable(peer)) {
      tried.add(pairId);
      // It may have been spent or dropped while those before it were tried.
      const pair = this.#parts.vault.get(pairId);
      if (pair === null || pair.half === null) continue;
      const outcome = await this.#attempt(pair, options);
      if (outcome instanceof Session) return outcome;
      if (this.#hasNewer(peer, since)) return null;
      if (outcome === "silent") {
        await this.#refresh(peer, signal);
        return null;
      }
    }
    if (tried.size > 0) await this.#refresh(peer, signal);
    await mayAsk();
    // The peer's own call may have come while this one waited.
    if (this.#hasNewer(peer, since)) return null;
    return await this.#introduce(peer, options);
  }

  #noteStarted(pairId: string): void {
    this.#started.add(pairId);
    const [oldest] = this.#started;
    if (this.#started.size > MAX_STARTED && oldest !== undefined) this.#started.delete(oldest);
  }

  #hasNewer(peer: NodeId, since: number): boolean {
    return (this.#parts.table.current(peer)?.sequence ?? 0) > since;
  }

  /** Looks the peer up: its keys, address or identity may have changed while this node was away. */
  async #refresh(peer: NodeId, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.directories.lookUp(peer, signal);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
    }
  }

  async #introduce(peer: NodeId, options: CallOptions): Promise<Session | null> {
    const { book, directories, events } = this.#parts;
    const pairId = await directories.introduce(peer, options.signal).catch((error: unknown) => {
      if (error instanceof OpenRedError && book.get(peer)?.known) warnStranded(events, peer);
      throw error;
    });
    settleStranded(events, peer);
    const pair = this.#parts.vault.get(pairId);
    if (pair === null || pair.half === null) return null;
    const outcome = await this.#attempt(pair, options);
    return outcome instanceof Session ? outcome : null;
  }

  async #attempt(pair: PairEntry, options: CallOptions): Promise<Outcome> {
    const attempt = await this.#prepare(pair, options.signal);
    if (attempt === null) return "unusable";
    const { clock, events } = this.#parts;
    const startedMs = clock.monotonicMs();
    let outcome: Outcome | null = null;
    try {
      return outcome = await this.#repeat(attempt, options);
    } finally {
      const isMade = outcome instanceof Session;
      events.count(isMade ? "handshakes_completed" : "handshakes_failed");
      if (isMade) events.observe("openred_handshake_seconds", clock.monotonicMs() - startedMs);
      // A session has used it up.
      if (!(outcome instanceof Session)) await this.#parts.crypto.release(attempt.handshake);
    }
  }

  async #prepare(pair: PairEntry, signal: AbortSignal): Promise<Attempt | null> {
    const { crypto, book, ownRecord, noiseKeys, events, methods } = this.#parts;
    const peer = book.get(pair.peer);
    const [noiseKey] = noiseKeys;
    if (peer === null || noiseKey === undefined || pair.half === null) return null;
    const { payload } = peer.record;
    if (!methods.serves(pair.info.method, payload.methods)) return null;
    const record = await ownRecord.current();
    const suite = bestSuite(record.payload.suites, payload.suites);
    if (suite === null || payload.gone) return null;
    const isByFrame = this.#parts.frames?.isOpenTo(peer.id) === true;
    if (!isByFrame) await this.#checkAddress(peer.id, { url: payload.api_url, signal });
    if (this.#parts.vault.get(pair.pairId)?.half !== pair.half) return null;
    events.count("handshakes_started");
    const succession = this.#parts.succession?.forPeer(pair.peer) ?? null;
    const started = await crypto.startHandshake({
      noiseKey: noiseKey.key,
      peerNoiseKey: payload.noise_key,
      suite,
      half: pair.half,
      record: record.text,
      ...(succession === null ? {} : { succession }),
    }).catch((error: unknown) => {
      if (isUnusable(error)) return null;
      throw error;
    });
    if (started === null) return null;
    const { handshake, noise } = started;
    const isUrlChecked = !isByFrame;
    return { pair, suite, handshake, noise, record, url: payload.api_url, isUrlChecked };
  }

  /** An address that leads nowhere, or that must not be called, may be a former one: the peer is looked up. */
  async #checkAddress(peer: NodeId, to: { url: string; signal: AbortSignal }): Promise<void> {
    try {
      await this.#parts.checkUrl(to.url, to.signal);
    } catch (error) {
      if (error instanceof OpenRedError) await this.#refresh(peer, to.signal);
      throw error;
    }
  }

  /**
   * Sends the very same bytes, with back-off, for a minute: on the channel to the peer, where there is one that takes
   * them, and by POST in turns with that, since it may be half open.
   */
  async #repeat(attempt: Attempt, options: CallOptions): Promise<Outcome> {
    const { signal } = options;
    const { clock } = this.#parts;
    const endMs = clock.monotonicMs() + ATTEMPT_MS;
    let wasFrame = false;
    for (let delayMs = FIRST_REPEAT_MS;; delayMs = Math.min(2 * delayMs, LAST_REPEAT_MS)) {
      const { peer } = attempt.pair;
      wasFrame = !wasFrame && this.#parts.frames?.isOpenTo(peer) === true;
      const outcome = await this.#send(attempt, { ...options, asFrame: wasFrame });
      if (outcome !== "silent") return outcome;
      if (clock.monotonicMs() + delayMs > endMs) return "silent";
      await sleep(clock, delayMs, signal);
    }
  }

  async #send(
    attempt: Attempt,
    options: CallOptions & { readonly asFrame: boolean },
  ): Promise<Outcome> {
    const { pairId, peer, standby } = attempt.pair;
    const { signal, silent, asFrame } = options;
    const isFirstUse = !this.#started.has(pairId);
    this.#noteStarted(pairId);
    try {
      const noise = await (asFrame ? this.#ask(attempt, signal) : this.#post(attempt, options));
      if (noise === null) return "silent";
      if (noise !== "refused") return await this.#complete(attempt, { noise, signal });
      if (isFirstUse && standby !== null) {
        this.#parts.events.auditPeer("pair_refused", { peer, success: false });
      }
      return "refused";
    } catch (error) {
      if (isNoAnswer(error)) {
        silent(silenceOf(error));
        return "silent";
      }
      if (isMethodGone(error)) return "refused";
      throw error;
    }
  }

  async #ask({ pair, suite, noise }: Attempt, signal: AbortSignal): Promise<FrameAnswer> {
    const message = { suite, pair_id: encodeBase64Url(pair.info.pairId), noise };
    return await this.#parts.frames!.ask(pair.peer, message, signal);
  }

  async #post(attempt: Attempt, { signal, silent }: CallOptions): Promise<FrameAnswer> {
    const { pair, suite, url } = attempt;
    if (!attempt.isUrlChecked) await this.#checkAddress(pair.peer, { url, signal });
    attempt.isUrlChecked = true;
    const pair_id = encodeBase64Url(pair.info.pairId);
    const request = { v: 3, suite, pair_id, noise: encodeBase64Url(attempt.noise) };
    const answer = await this.#parts.http.request({
      method: "POST",
      url: (this.#parts.urlOf?.(pair.peer) ?? url) + HANDSHAKE_PATH,
      headers: { "content-type": "application/json" },
      body: encodeUtf8(JSON.stringify(request)),
      timeoutMs: CALL_TIMEOUT_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      signal,
    });
    if (answer.status === 403) return "refused";
    if (answer.status !== 200) {
      silent(isProblem(answer.body) ? null : reasonOfStatus(answer.status));
      return null;
    }
    return parseInput(handshakeAnswerSchema, parseJson(answer.body)).noise;
  }

  /** Whatever does not hold in an answer was made by nobody, and nothing has come. */
  async #complete(
    attempt: Attempt,
    { noise, signal }: { noise: Uint8Array; signal: AbortSignal },
  ): Promise<Session> {
    const { crypto, clock, book, table, vault, own, validations, events } = this.#parts;
    const { pair, suite } = attempt;
    const answer = await crypto.readAnswer({ handshake: attempt.handshake, noise });
    const peer = await this.#checkAnswer(attempt, answer);
    validations.note(pair.pairId, {
      peer: pair.peer,
      valid_until: pair.endsAt,
      crypto_method: pair.info.method,
      validation_result: true,
    });
    const { method } = pair.info;
    events.auditPeer("token_validated", { peer: pair.peer, success: true, method });
    const established = await crypto.completeHandshake({
      handshake: attempt.handshake,
      nowMs: clock.monotonicMs(),
    });
    const session = new Session(this.#parts, {
      established,
      pair,
      role: "initiator",
      suite,
      lifeMs: Math.min(answer.lifeMs, own.sessionLifeMs),
      recordSeq: attempt.record.payload.seq,
      sequence: table.nextSequence(),
    });
    // From here to the table nothing is awaited: who cuts the peer off later finds the session there.
    if (signal.aborted || isCutOff(this.#parts, pair)) {
      await session.release();
      throw cutOff();
    }
    // A standby pair whose session is in no table counts as left over: the session comes first.
    table.add(session);
    try {
      const put = standbyEntries(established.standby, session, clock.nowMs());
      const drop = tooManySets(vault, session);
      const stored = hasProvenPair(vault, { besides: pair })
        ? vault.commitSoon({ put, drop })
        : vault.commit({ put, drop });
      await Promise.all([stored, book.take(peer)]);
      if (signal.aborted || table.get(session.id) !== session) throw cutOff();
    } catch (error) {
      table.remove(session);
      await session.release();
      throw error;
    }
    this.#parts.succession?.answered(pair.peer);
    events.auditPeer("handshake", { peer: pair.peer, success: true, role: "initiator", suite });
    return session;
  }

  async #checkAnswer(attempt: Attempt, answer: ReadAnswer): Promise<VerifiedRecord> {
    const { book } = this.#parts;
    if (answer.lifeMs < MIN_SESSION_LIFE_MS || answer.lifeMs > MAX_SESSION_LIFE_MS) {
      throw new OpenRedError("handshake_rejected", "The session's life is out of bounds");
    }
    if (!attempt.record.payload.methods.includes(answer.next.method)) {
      throw new OpenRedError("handshake_rejected", "The next pairs' method is not listed here");
    }
    const shown = await book.verifyShown(attempt.pair.peer, answer.record);
    if (shown.id !== attempt.pair.peer) {
      throw new OpenRedError("handshake_rejected", "The record is not the responder's");
    }
    return book.judge(shown);
  }
}

function cutOff(): OpenRedError {
  return new OpenRedError("forbidden", "The peer was blocked or its pairs were revoked meanwhile");
}

/** Whether a node refused in the protocol's own words. */
function isProblem(body: Uint8Array): boolean {
  try {
    parseInput(problemSchema, parseJson(body));
    return true;
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    return false;
  }
}

/** Why an answer that was none did not come: what does not parse was written by something else. */
function silenceOf(error: unknown): UnreachableReason | null {
  if (!(error instanceof OpenRedError)) return null;
  return error.code === "bad_request" ? "other_answer" : unreachableReason(error);
}

/** A noise key that is none, or a half that was dropped, or lost its method, at this very moment. */
function isUnusable(error: unknown): boolean {
  return error instanceof CryptoError &&
    ["handshake_failed", "key_unknown", "method_unknown"].includes(error.code);
}

/** A module's method that failed here while an answer was read: the answer may hold, and another pair serves. */
function isMethodGone(error: unknown): boolean {
  return error instanceof CryptoError && ["method_unknown", "method_failed"].includes(error.code);
}

/**
 * Tells whether an error only means that no answer has come that holds. A full disk, or a peer that was cut off, is
 * another matter: by then the handshake is used up, and the attempt is over.
 */
function isNoAnswer(error: unknown): boolean {
  if (error instanceof CryptoError) return error.code === "handshake_failed";
  return error instanceof OpenRedError && !hasCode(error, "forbidden", "overloaded");
}
