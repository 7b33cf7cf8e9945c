/**
 * Peers that had a session and about whom nobody here decided anything: what they get ends with their last session.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { Ending } from "./ending.ts";
import type { SessionTable } from "./session.ts";

/** Strangers that are held at a time; the one idle for longest makes room. */
export const MAX_STRANGERS = 200;

export interface StrangerParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly book: PeerBook;
  readonly decisions: Decisions;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly ending: Ending;
  /** Whether something of a module waits for a peer. */
  readonly isAwaited: (peer: NodeId) => boolean;
  readonly own: { readonly sessionLifeMs: number };
}

/** The strangers of one node. */
export class Strangers {
  readonly #parts: StrangerParts;
  readonly #startedMs: number;
  /** The one idle for longest first. Some may have been decided about meanwhile. */
  readonly #byUse = new Set<NodeId>();

  constructor(parts: StrangerParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
  }

  /** Takes in whom an earlier run left, or whom a decision that was taken back has made a stranger. */
  gather(): void {
    const { book, decisions } = this.#parts;
    const decided = decisions.all();
    for (const { id, known, succession } of book.all()) {
      if (known && succession === null && !decided.has(id)) this.#byUse.add(id);
    }
  }

  /** Notes that a frame of a peer has opened. */
  used(peer: NodeId): void {
    if (this.#byUse.delete(peer)) this.#byUse.add(peer);
  }

  /** Notes a confirmed session; where that makes too many strangers, the one idle for longest is forgotten. */
  async met(peer: NodeId): Promise<void> {
    if (this.#parts.decisions.isDecided(peer)) return;
    this.#byUse.delete(peer);
    this.#byUse.add(peer);
    await this.#makeRoom();
  }

  /**
   * Forgets those whose last session is over. What a restart has ended is not: for as long as a session lives their
   * standby pairs lead here again, without a directory.
   */
  async forgetGone(): Promise<void> {
    const { clock, table, own } = this.#parts;
    this.gather();
    await this.#makeRoom();
    if (clock.monotonicMs() - this.#startedMs < own.sessionLifeMs) return;
    for (const peer of [...this.#byUse]) {
      if (table.forPeer(peer).length === 0) await this.#forgetStranger(peer);
    }
  }

  async #makeRoom(): Promise<void> {
    for (const peer of [...this.#byUse]) {
      if (this.#byUse.size <= MAX_STRANGERS) return;
      await this.#forgetStranger(peer);
    }
  }

  async #forgetStranger(peer: NodeId): Promise<void> {
    const { decisions, isAwaited } = this.#parts;
    this.#byUse.delete(peer);
    if (!decisions.isDecided(peer) && !isAwaited(peer)) await this.#forget(peer);
  }

  /** What a directory gave stays known as spent for as long as it could be given again. */
  async #forget(peer: NodeId): Promise<void> {
    const { book, vault, ending } = this.#parts;
    await ending.cutOff(peer, "a stranger with nothing under way");
    const drop = vault.forPeer(peer).filter(({ envelope }) => envelope === null)
      .map(({ pairId }) => pairId);
    if (drop.length > 0) await vault.commit({ drop });
    await book.erase(peer);
  }
}
