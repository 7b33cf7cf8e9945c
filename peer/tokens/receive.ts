/**
 * Envelopes: taking a directory's half of a pair into the vault (docs/PROTOCOL.md, "Delivery").
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import {
  type CryptoCore,
  CryptoError,
  type NoiseKeyInfo,
  type OpenedEnvelope,
} from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { verifySignature } from "../../protocol/jws.ts";
import {
  CLOCK_ALLOWANCE_MS,
  MAX_UNUSED_PAIRS_PER_DIRECTORY,
  MAX_UNUSED_PAIRS_PER_PEER,
  PAIR_LIFE_MS,
} from "../../protocol/limits.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import { decodePairStatement, type PairStatement } from "../../protocol/statements.ts";
import { type NodeEvents, reasonOf } from "../events/events.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { DenialLog } from "../events/denial_log.ts";
import type { Permissions } from "../peers/permissions.ts";
import { newEntry, type PairEntry } from "./pair_entry.ts";
import type { TokenVault } from "./vault.ts";

/** Targets asked for in the last five minutes may come back with an initiator's half. */
const ASKED_MS = 5 * 60 * 1000;

interface ReceiverParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly denials: DenialLog;
  readonly decisions: Decisions;
}

/** A pair that a directory made. */
interface MadePair {
  readonly peer: NodeId;
  readonly issuer: NodeId;
  readonly isWanted: boolean;
}

/** Whom envelopes are for. */
interface EnvelopeTarget {
  readonly id: NodeId;
  /** Read anew for each envelope. */
  readonly noiseKeys: readonly NoiseKeyInfo[];
}

/** Takes envelopes for one node. */
export class EnvelopeReceiver {
  readonly #parts: ReceiverParts;
  readonly #own: EnvelopeTarget;
  readonly #asked = new Map<NodeId, number>();

  constructor(parts: ReceiverParts, own: EnvelopeTarget) {
    this.#parts = parts;
    this.#own = own;
  }

  /** Notes that this node asks a directory for a pair with `target` now. */
  noteAsked(target: NodeId): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [id, askedMs] of this.#asked) {
      if (nowMs - askedMs > ASKED_MS) this.#asked.delete(id);
    }
    this.#asked.set(target, nowMs);
  }

  /** Tells whether a pair that was taken lets this node call `target`. */
  leadsTo(pairId: string, target: NodeId): boolean {
    const pair = this.#parts.vault.get(pairId);
    return pair?.peer === target && pair.info.role === "initiator";
  }

  /**
   * Checks an envelope, cheapest first, and stores its half durably.
   * @param directory The newest record of a directory this node has pinned, or just asked.
   * @returns The pair's id, hex. The same text again is taken again.
   * @throws {OpenRedError} `envelope_refused`, `pair_seen` or `too_many_pairs`.
   */
  async receive(text: string, directory: VerifiedRecord): Promise<string> {
    try {
      const pairId = await this.#receive(text, directory);
      this.#parts.events.count("envelopes_taken");
      return pairId;
    } catch (cause) {
      this.#parts.events.count("envelopes_refused");
      this.#parts.events.auditStranger("token_refused", { success: false, why: reasonOf(cause) });
      throw refusal(cause);
    }
  }

  async #receive(text: string, directory: VerifiedRecord): Promise<string> {
    const { crypto, vault } = this.#parts;
    const statement = decodePairStatement(text);
    if (statement.iss !== directory.id || statement.aud !== this.#own.id) {
      refuse("Not for this node");
    }
    await verifySignature(crypto, { text, typ: "openred-pair+jwt" });
    this.#checkTimes(statement);
    const pairId = Buffer.from(statement.pair_id).toString("hex");
    const envelope = encodeBase64Url(await crypto.sha256(encodeUtf8(text)));
    if (this.#isSeen(pairId, envelope)) return await this.#again(pairId);
    const opened = await crypto.openEnvelope({
      noiseKeys: this.#own.noiseKeys.map((noiseKey) => noiseKey.key),
      directoryNoiseKey: directory.payload.noise_key,
      directoryId: directory.id,
      nodeId: this.#own.id,
      pairId: statement.pair_id,
      noise: statement.noise,
    });
    try {
      const peer = await this.#checkInside(statement, opened);
      if (this.#isSeen(pairId, envelope)) {
        await crypto.release(opened.half);
        return await this.#again(pairId);
      }
      const isWanted = opened.info.role === "initiator" ||
        this.#parts.decisions.isDecided(peer.id);
      const spent = this.#makeRoom({ peer: peer.id, issuer: directory.id, isWanted });
      const entry: PairEntry = { ...newEntry(opened, peer.id), envelope };
      if (this.#parts.permissions.isBlocked(peer.id)) {
        await this.#throwAway(entry);
        return pairId;
      }
      await Promise.all([vault.commit({ put: [...spent, entry] }), this.#parts.book.take(peer)]);
      const { method } = opened.info;
      this.#parts.events.auditPeer("token_received", { peer: peer.id, success: true, method });
      this.#parts.events.emit({ type: "introduced", peer: peer.id, method, epoch: opened.epoch });
      return pairId;
    } catch (error) {
      if (vault.get(pairId)?.half !== opened.half) await crypto.release(opened.half);
      throw error;
    }
  }

  /** A repeat is answered once the first of them is on disk. */
  async #again(pairId: string): Promise<string> {
    await this.#parts.vault.flush();
    return pairId;
  }

  /**
   * Throws the half of a blocked peer away, so that nobody learns of the block: only its id is remembered, as of any
   * other pair, and what is answered later is the same as well.
   */
  async #throwAway(entry: PairEntry): Promise<void> {
    const { crypto, vault, denials } = this.#parts;
    denials.note(entry.peer, "introduction of a blocked peer");
    await vault.commit({ put: [{ ...entry, half: null }] });
    if (entry.half !== null) await crypto.release(entry.half);
  }

  #checkTimes(statement: PairStatement): void {
    const nowMs = this.#parts.clock.nowMs();
    if (statement.iat * 1000 > nowMs + CLOCK_ALLOWANCE_MS) refuse("Issued ahead of this clock");
    if (statement.exp * 1000 + CLOCK_ALLOWANCE_MS < nowMs) refuse("Expired");
  }

  /** @returns Whether this very text was taken before. */
  #isSeen(pairId: string, envelope: string): boolean {
    const seen = this.#parts.vault.get(pairId);
    if (seen === null) return false;
    if (seen.envelope === envelope) return true;
    throw new OpenRedError("pair_seen", "This pair_id came with another text before");
  }

  async #checkInside(statement: PairStatement, opened: OpenedEnvelope): Promise<VerifiedRecord> {
    const { info } = opened;
    if (
      Math.floor(info.issuedAt / 1000) !== statement.iat ||
      Math.floor(info.expiresAt / 1000) !== statement.exp
    ) refuse("Its times differ inside and outside");
    const shown = await verifyRecord(this.#parts.crypto, opened.peer);
    if (shown.id === this.#own.id) refuse("It names this node as its own peer");
    const peer = this.#parts.book.judge(shown);
    if (peer.payload.gone) refuse("The peer is gone");
    if (info.role === "initiator" && !this.#wasAsked(shown.id)) {
      this.#parts.events.auditPeer("unasked_half", { peer: shown.id, success: false });
      refuse("Nobody asked for this pair");
    }
    return peer;
  }

  #wasAsked(target: NodeId): boolean {
    const askedMs = this.#asked.get(target);
    return askedMs !== undefined && this.#parts.clock.monotonicMs() - askedMs <= ASKED_MS;
  }

  /**
   * @param made `isWanted`: this node has asked for it, or somebody here has decided about the peer. Strangers' pairs,
   *   however many, do not keep it out.
   * @returns What is left of the pairs that have to go for a new one with this peer: their ids stay remembered.
   */
  #makeRoom({ peer, issuer, isWanted }: MadePair): PairEntry[] {
    const unused = this.#parts.vault.all().filter((entry) =>
      entry.info.issuer === issuer && entry.half !== null && entry.taken.length === 0 &&
      this.#parts.vault.isAlive(entry)
    );
    if (!isWanted && unused.length >= MAX_UNUSED_PAIRS_PER_DIRECTORY) {
      throw new OpenRedError("too_many_pairs", "Too many unused pairs of this directory", {
        retryAfterMs: PAIR_LIFE_MS,
      });
    }
    return unused
      .filter((entry) => entry.peer === peer)
      .sort((a, b) => b.info.issuedAt - a.info.issuedAt)
      .slice(MAX_UNUSED_PAIRS_PER_PEER - 1)
      .map((entry) => ({ ...entry, half: null }));
  }
}

function refuse(why: string): never {
  throw new OpenRedError("envelope_refused", why);
}

/** All refusals look alike outside; the reason stays in the cause. */
function refusal(cause: unknown): unknown {
  if (cause instanceof OpenRedError) {
    if (hasCode(cause, "pair_seen", "too_many_pairs", "overloaded")) return cause;
  } else if (!(cause instanceof CryptoError) || cause.code !== "envelope_failed") {
    return cause;
  }
  return new OpenRedError("envelope_refused", "The envelope was refused", { cause });
}
