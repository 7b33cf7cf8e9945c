/**
 * Confirming a session: the first frame of the peer that opens makes it count (docs/PROTOCOL.md, "Confirmation").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { jitter } from "../timing/backoff.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Carrier } from "./carrier.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { Session, SessionTable } from "./session.ts";
import { sessionView } from "./session_view.ts";
import { setOf, tooManySets, tooManySpent } from "./standby.ts";

export interface ConfirmingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly book: PeerBook;
  readonly ownRecord: OwnRecord;
  readonly table: SessionTable;
  readonly carrier: Carrier;
  readonly own: { readonly id: NodeId };
}

/** Confirms the sessions of one node. */
export class Confirming {
  readonly #parts: ConfirmingParts;
  readonly #then: (session: Session, options: { readonly wasKnown: boolean }) => void;

  /** @param then Called once a session counts; `wasKnown`: another one with this peer did before. */
  constructor(
    parts: ConfirmingParts,
    then: (session: Session, options: { readonly wasKnown: boolean }) => void,
  ) {
    this.#parts = parts;
    this.#then = then;
  }

  /**
   * Makes a session count, durably, unless it was cut off meanwhile. Several frames may ask for it at a time.
   * @throws {OpenRedError} `overloaded` if it could not be stored; the next frame tries again.
   */
  async confirm(session: Session): Promise<void> {
    await (session.confirming ??= this.#confirm(session));
  }

  async #confirm(session: Session): Promise<void> {
    const { peer } = session;
    const wasKnown = this.#parts.book.get(peer)?.known === true;
    try {
      await this.#store(session);
    } catch (error) {
      session.confirming = null;
      throw error;
    }
    const { table, events, carrier } = this.#parts;
    if (table.get(session.id) !== session) return;
    this.#date(session);
    const renews = table.forPeer(peer).some((other) => other !== session && other.confirmed);
    events.auditPeer(renews ? "session_renewed" : "session", { peer, success: true });
    events.emit({ type: "session", session: sessionView(session, carrier) });
    session.onConfirmed?.();
    this.#then(session, { wasKnown });
  }

  /** Its pair is spent, its standby pairs may be used. */
  async #store(session: Session): Promise<void> {
    const { vault, book, ownRecord, clock } = this.#parts;
    const confirmedAt = clock.nowMs();
    const pair = vault.get(session.pair.pairId);
    const spent = pair === null ? [] : [{ ...pair, half: null, session: session.id }];
    const standby = setOf(vault, session).map((entry) => ({
      ...entry,
      standby: entry.standby && { ...entry.standby, confirmedAt },
    }));
    const drop = [...tooManySets(vault, session), ...tooManySpent(vault, session.peer)];
    await vault.commit({ put: [...spent, ...standby], drop });
    await Promise.all([book.setKnown(session.peer), ownRecord.shown(session.recordSeq)]);
  }

  #date(session: Session): void {
    const { clock, random, own } = this.#parts;
    session.confirmed = true;
    session.confirmedMs = clock.monotonicMs();
    const part = own.id < session.peer ? 2 / 3 : 5 / 6;
    session.renewAtMs = session.madeMs +
      jitter(random, { spanMs: session.lifeMs * part, part: 0.03 });
  }
}
