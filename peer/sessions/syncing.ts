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
import type { PairEntry, StandbySet, TokenVault } from "../tokens/vault.ts";
import type { SessionTable } from "./session.ts";
import { unspent } from "./standby.ts";

/**
 * Both ends count their own two minutes, and not from the same instant. What is dropped was confirmed longer ago than
 * what is named, so that no pair is dropped that the other end was about to name.
 */
const DROP_AFTER_MS = 2 * CONFIRMATION_MS;

export interface SyncingParts {
  readonly clock: Clock;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly send: (peer: NodeId, header: Record<string, unknown>) => void;
}

/** Compares standby pairs with peers. */
export class Syncing {
  readonly #parts: SyncingParts;
  readonly #asked = new Set<NodeId>();
  readonly #done = new Set<NodeId>();

  constructor(parts: SyncingParts) {
    this.#parts = parts;
  }

  /** Asks a peer once for each start and each clock jump. */
  ask(peer: NodeId): void {
    if (this.#done.has(peer)) return;
    this.#done.add(peer);
    this.#asked.add(peer);
    this.#sendOwn(peer);
  }

  /** Makes every peer be asked anew. */
  reset(): void {
    this.#done.clear();
  }

  /** Takes a question or an answer. */
  async take(peer: NodeId, pairIds: readonly Uint8Array[]): Promise<void> {
    if (!this.#asked.delete(peer)) this.#sendOwn(peer);
    const shared = new Set(pairIds.map((pairId) => Buffer.from(pairId).toString("hex")));
    const drop = this.#settled(peer, DROP_AFTER_MS)
      .map((entry) => entry.pairId)
      .filter((pairId) => !shared.has(pairId));
    if (drop.length > 0) await this.#parts.vault.commit({ drop });
  }

  #sendOwn(peer: NodeId): void {
    const pairs = this.#settled(peer, CONFIRMATION_MS).slice(0, MAX_SYNC_PAIRS)
      .map((entry) => encodeBase64Url(entry.info.pairId));
    this.#parts.send(peer, { type: "core.sync", pairs });
  }

  /** Unused standby pairs of sets whose session was confirmed longer ago than `ageMs`. */
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
