/**
 * `core.sync`: after a restart or a clock jump two nodes compare the ids of their standby pairs, never tokens, and
 * drop what only one of them holds (docs/PROTOCOL.md, "Sync").
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { CONFIRMATION_MS, MAX_SYNC_PAIRS } from "../../protocol/limits.ts";
import type { PairEntry, StandbySet } from "../tokens/pair_entry.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { SessionTable } from "./session.ts";
import { unspent } from "./standby.ts";

/**
 * Both ends count their own two minutes, and not from the same instant. What is dropped was confirmed longer ago than
 * what is named, so that no pair is dropped that the other end was about to name.
 */
const DROP_AFTER_MS = 2 * CONFIRMATION_MS;
/** For how long what comes after a question is taken for its answer. */
const ANSWER_MS = 60_000;

export interface SyncingParts {
  readonly clock: Clock;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly send: (peer: NodeId, header: Record<string, unknown>) => void;
}

interface Asked {
  readonly unanswered: number;
  /** When it was asked last, by the monotonic clock. */
  readonly lastMs: number;
}

/** Compares standby pairs with peers. */
export class Syncing {
  readonly #parts: SyncingParts;
  /** Peers with questions that are not answered, each counted: as many answers may come. */
  readonly #asked = new Map<NodeId, Asked>();
  readonly #done = new Set<NodeId>();

  constructor(parts: SyncingParts) {
    this.#parts = parts;
  }

  /** Asks a peer, unless it answered since the start and the last clock jump. */
  ask(peer: NodeId): void {
    if (!this.#done.has(peer)) this.#ask(peer);
  }

  /** Makes every peer be asked anew. */
  reset(): void {
    this.#done.clear();
  }

  /** Takes a question or an answer. */
  async take(peer: NodeId, pairIds: readonly Uint8Array[]): Promise<void> {
    const asked = this.#asked.get(peer);
    if (asked === undefined) this.#sendOwn(peer);
    else this.#takeAnswer(peer, asked);
    const shared = new Set(pairIds.map((pairId) => Buffer.from(pairId).toString("hex")));
    const drop = this.#settled(peer, DROP_AFTER_MS)
      .map((entry) => entry.pairId)
      .filter((pairId) => !shared.has(pairId));
    if (drop.length > 0) await this.#parts.vault.commit({ drop });
  }

  /** What comes late may be a question. The reply to it is one as well, so that two nodes do not answer for ever. */
  #takeAnswer(peer: NodeId, { unanswered, lastMs }: Asked): void {
    if (unanswered === 1) this.#asked.delete(peer);
    else this.#asked.set(peer, { unanswered: unanswered - 1, lastMs });
    if (this.#parts.clock.monotonicMs() - lastMs < ANSWER_MS) this.#done.add(peer);
    else this.#ask(peer);
  }

  #ask(peer: NodeId): void {
    const unanswered = (this.#asked.get(peer)?.unanswered ?? 0) + 1;
    this.#asked.set(peer, { unanswered, lastMs: this.#parts.clock.monotonicMs() });
    this.#sendOwn(peer);
  }

  #sendOwn(peer: NodeId): void {
    const pairs = this.#settled(peer, CONFIRMATION_MS).slice(0, MAX_SYNC_PAIRS)
      .map((entry) => encodeBase64Url(entry.info.pairId));
    this.#parts.send(peer, { type: "core.sync", pairs });
  }

  /** Unused standby pairs of sets whose session was confirmed longer ago than `ageMs`, ended or not. */
  #settled(peer: NodeId, ageMs: number): PairEntry[] {
    return unspent(this.#parts.vault.forPeer(peer)).filter(({ standby }) =>
      standby !== null && this.#confirmedForMs(standby) > ageMs
    );
  }

  /** The wall clock has just jumped, perhaps: it is asked only where the session is no more. */
  #confirmedForMs({ sessionId, confirmedAt }: StandbySet): number {
    const { clock, table } = this.#parts;
    const session = table.get(sessionId);
    if (session !== null) return clock.monotonicMs() - (session.confirmedMs ?? Infinity);
    return clock.nowMs() - (confirmedAt ?? Infinity);
  }
}
