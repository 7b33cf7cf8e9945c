/**
 * What a node knows of one pair.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import type { HalfInfo, KeyRef, StoredHalf } from "../../crypto/interface.ts";
import { STANDBY_LIFE_MS } from "../../protocol/limits.ts";

/** The session whose handshake left a standby pair. */
export interface StandbySet {
  /** Hex. */
  readonly sessionId: string;
  /** This node's part in that handshake. */
  readonly role: "initiator" | "responder";
  /** By the wall clock; `null` until the session is confirmed. */
  readonly confirmedAt: number | null;
}

/** What the vault knows of one pair. */
export interface PairEntry {
  /** Hex. */
  readonly pairId: string;
  readonly peer: NodeId;
  /**
   * `null` once it cannot be used any more, and its id is only remembered: a session of it was confirmed; it was
   * revoked, here or by the peer; its peer was blocked; a newer half of its directory took its place; or the newest
   * line of it was damaged.
   */
  readonly half: KeyRef | null;
  readonly info: HalfInfo;
  /** By this node's wall clock. Nothing is started after it. */
  readonly endsAt: number;
  /** Position among the pairs of one handshake; 0 for a directory's. */
  readonly index: number;
  /** `null` for a pair of a directory. */
  readonly standby: StandbySet | null;
  /** What names each message 1 taken on this pair, base64url. */
  readonly taken: readonly string[];
  /** SHA-256 of the envelope it came in, base64url; `null` for a standby pair. */
  readonly envelope: string | null;
  /** The session of the last message 1 taken or confirmed, hex. */
  readonly session: string | null;
  /** When it was revoked, by this node's owner or at the peer's word, by the wall clock; then its half is gone. */
  readonly revokedAt?: number;
}

/** The entry of a pair as a directory gave it: nothing was done with it yet. */
export function newEntry({ half, info }: StoredHalf, peer: NodeId): PairEntry {
  return {
    pairId: Buffer.from(info.pairId).toString("hex"),
    peer,
    half,
    info,
    endsAt: info.expiresAt,
    index: 0,
    standby: null,
    taken: [],
    envelope: null,
    session: null,
  };
}

/** How new a pair is: of a standby pair by this node's clock, since its `issuedAt` is whatever the peer says. */
export function madeAt({ standby, endsAt, info }: PairEntry): number {
  return standby === null ? info.issuedAt : endsAt - STANDBY_LIFE_MS;
}
