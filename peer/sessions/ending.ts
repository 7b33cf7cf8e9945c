/**
 * Ending sessions: by agreement, at once and without a word, or because a peer has another id now.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Carrier } from "./carrier.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { PeerLinks } from "./links.ts";
import type { ReliableSender } from "./reliable.ts";
import type { Session, SessionTable } from "./session.ts";
import { setOf } from "./standby.ts";

/** Confirmed sessions with one peer that still receive. */
const MAX_SESSIONS_PER_PEER = 8;

export interface EndingParts {
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly validations: ValidationCache;
  readonly table: SessionTable;
  readonly carrier: Carrier;
  readonly reliable: ReliableSender;
  readonly links: Pick<PeerLinks, "cancel">;
}

/** Ends the sessions of one node. */
export class Ending {
  readonly #parts: EndingParts;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Ends sending on a session, for a reason shown to people; frames that come are taken two minutes longer. */
  close(session: Session, why: string): void {
    if (session.closed) return;
    const { reliable, events } = this.#parts;
    const { peer } = session;
    session.close();
    reliable.forget(session);
    events.auditPeer("session_closed", { peer, success: true, why });
    events.emit({ type: "session_ended", session_id: session.id, peer, why });
    reliable.resend(peer);
  }

  /** Lets the oldest confirmed sessions of a peer go that are more than it may have; what waited goes on the newest. */
  async endSurplus(peer: NodeId): Promise<void> {
    const { table, reliable, events } = this.#parts;
    const surplus = table.forPeer(peer).filter(({ confirmed }) => confirmed)
      .slice(MAX_SESSIONS_PER_PEER);
    for (const session of surplus) {
      session.close();
      events.emit({ type: "session_ended", session_id: session.id, peer, why: "too many" });
    }
    await Promise.all(surplus.map((session) => this.remove(session)));
    if (surplus.length > 0) reliable.resend(peer);
  }

  /** Lets a session go that is over, and with it the pairs of a handshake that nobody confirmed. */
  async remove(session: Session): Promise<void> {
    const { table, vault, reliable } = this.#parts;
    table.remove(session);
    reliable.forget(session);
    await session.release();
    if (!session.confirmed && session.role === "responder") {
      const drop = setOf(vault, session).map((entry) => entry.pairId);
      if (drop.length > 0) await vault.commit({ drop });
    }
  }

  /**
   * Ends everything with a peer at once and without a word: sessions, calls, channels, pairs. What a directory gave is
   * remembered as spent, so that the same half is not taken again.
   */
  async cutOff(peer: NodeId, why: string): Promise<void> {
    const cut = this.#cut(peer, why);
    await Promise.all([this.#spendPairs(peer), cut]);
  }

  async #spendPairs(peer: NodeId): Promise<void> {
    const { vault } = this.#parts;
    const usable = vault.forPeer(peer).filter(({ half }) => half !== null);
    const put = usable.filter(({ envelope }) => envelope !== null)
      .map((pair) => ({ ...pair, half: null }));
    const drop = usable.filter(({ envelope }) => envelope === null).map(({ pairId }) => pairId);
    await vault.commit({ put, drop });
  }

  /**
   * Ends everything with a peer whose contact has moved to another id, at once: whoever still speaks under the former
   * one may have stolen its keys.
   */
  async forgetPeer(peer: NodeId): Promise<void> {
    const { vault } = this.#parts;
    const cut = this.#cut(peer, "the peer has a new id");
    const drop = vault.forPeer(peer).map(({ pairId }) => pairId);
    await Promise.all([vault.commit({ drop }), cut]);
  }

  /**
   * Ends all but the pairs in this turn of the event loop.
   * @returns Resolves when the keys of the sessions are wiped.
   */
  async #cut(peer: NodeId, why: string): Promise<void> {
    const { links, reliable, table, carrier, vault, validations, events } = this.#parts;
    links.cancel(peer);
    reliable.forgetPeer(peer);
    const cut = [...table.forPeer(peer)];
    for (const session of cut) {
      session.close();
      table.remove(session);
      events.emit({ type: "session_ended", session_id: session.id, peer, why });
    }
    carrier.drop(peer);
    for (const { pairId } of vault.forPeer(peer)) validations.forget(pairId);
    await Promise.all(cut.map((session) => session.release()));
  }
}
