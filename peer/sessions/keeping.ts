/**
 * `core.keep`: two nodes settle on one session and the standby pairs it left (docs/PROTOCOL.md, "Life").
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type * as v from "valibot";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import type { keepHeaderSchema } from "../../protocol/frames.ts";
import { CONFIRMATION_MS, MAX_KEEP_IDS } from "../../protocol/limits.ts";
import type { Background } from "../timing/background.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { ReliableSender } from "./reliable.ts";
import type { Session, SessionTable } from "./session.ts";
import { unspent } from "./standby.ts";

/**
 * When the peer is told once more: by then whatever it made before the kept session is older than two minutes, so that
 * it sees what this node has lost.
 */
const AGAIN_MS = CONFIRMATION_MS + 5_000;

export interface KeepingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly table: SessionTable;
  readonly vault: TokenVault;
  readonly reliable: ReliableSender;
  readonly background: Background;
  readonly ownId: NodeId;
  /** Ends sending on a session, and what is to be said on it alone, for a reason shown to people. */
  readonly close: (session: Session, why: string) => void;
}

/** Settles which sessions a node keeps. */
export class Keeping {
  readonly #parts: KeepingParts;
  /** Sessions closed here lately, by peer, hex, newest last: the peer may still hold them. */
  readonly #closed = new Map<NodeId, string[]>();
  readonly #again = new Map<NodeId, () => void>();

  constructor(parts: KeepingParts) {
    this.#parts = parts;
  }

  /** On the node with the smaller id: keeps the confirmed session made last, and tells the peer. */
  settle(peer: NodeId): void {
    const { table, ownId, clock } = this.#parts;
    if (ownId > peer) return;
    const kept = table.current(peer);
    if (kept === null) return;
    for (const session of table.forPeer(peer)) {
      if (session !== kept && session.confirmed && !session.closed) this.#close(session);
    }
    this.#tell(peer, kept);
    this.#again.get(peer)?.();
    const cancel = clock.setTimer(AGAIN_MS, () => {
      this.#again.delete(peer);
      if (table.current(peer) === kept) this.#tell(peer, kept);
    });
    this.#again.set(peer, cancel);
  }

  stop(): void {
    for (const cancel of this.#again.values()) cancel();
  }

  #tell(peer: NodeId, kept: Session): void {
    const { reliable, random } = this.#parts;
    reliable.forget(kept);
    const named = this.#closed.get(peer) ?? [];
    const close = named.map((id) => encodeBase64Url(Buffer.from(id, "hex")));
    reliable.send({
      peer,
      id: encodeBase64Url(random.bytes(12)),
      header: { type: "core.keep", close },
      onlyOn: kept,
      acknowledged: () => {
        // A session that is closed later is told of by a `core.keep` of its own.
        this.#closed.delete(peer);
        this.#parts.background.run("keep", this.#dropSets(peer, kept), peer);
      },
    });
  }

  #close(session: Session): void {
    const closed = [...this.#closed.get(session.peer) ?? [], session.id];
    this.#closed.set(session.peer, closed.slice(-MAX_KEEP_IDS));
    this.#parts.close(session, "replaced by a newer one");
  }

  /**
   * On the node with the larger id: closes what the peer closed or lost.
   * @returns Whether it was obeyed, and is to be acknowledged.
   */
  async obey(kept: Session, header: v.InferOutput<typeof keepHeaderSchema>): Promise<boolean> {
    const { table, ownId } = this.#parts;
    if (kept.closed || ownId < kept.peer) return false;
    const named = new Set(header.close.map((id) => Buffer.from(id).toString("hex")));
    for (const session of table.forPeer(kept.peer)) {
      if (session === kept || session.closed) continue;
      const lost = session.sequence < kept.sequence && session.ageMs > CONFIRMATION_MS;
      if (named.has(session.id) || lost) this.#parts.close(session, "the peer keeps another one");
    }
    await this.#dropSets(kept.peer, kept);
    return true;
  }

  /** Drops the standby pairs of every session but the kept one that is closed or no more. */
  async #dropSets(peer: NodeId, kept: Session): Promise<void> {
    const { table, vault } = this.#parts;
    const drop = unspent(vault.forPeer(peer)).filter(({ standby }) => {
      if (standby === null || standby.sessionId === kept.id) return false;
      const session = table.get(standby.sessionId);
      return session === null || session.closed;
    });
    if (drop.length > 0) await vault.commitSoon({ drop: drop.map((entry) => entry.pairId) });
  }
}
