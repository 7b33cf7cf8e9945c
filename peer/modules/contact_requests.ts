/**
 * Contact requests: messages of strangers that wait until somebody here decides about their senders.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import { MESSAGE } from "../peers/module_permissions.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { NodeStore } from "../store/store.ts";

/** How many messages one stranger may leave. */
const MAX_OF_ONE = 20;
/** How many all strangers together may: ids cost nothing. */
const MAX_OF_ALL = 1_000;
/** How long a count is good for that looks at every sender: frames must not cost one each. */
const COUNT_MS = 1_000;
const FULL = "contact_requests_full";

interface ContactRequestsParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly book: Pick<PeerBook, "lastId">;
}

/** Keeps the number of contact requests within bounds. */
export class ContactRequests {
  readonly #parts: ContactRequestsParts;
  #decided = { atMs: -Infinity, count: 0 };

  constructor(parts: ContactRequestsParts) {
    this.#parts = parts;
  }

  /** Tells whether one more message of a stranger is kept. */
  hasRoomFor(peer: NodeId): boolean {
    if (this.#of(peer) >= MAX_OF_ONE) return false;
    const { events } = this.#parts;
    if (this.#ofUndecided() < MAX_OF_ALL) {
      events.settle(FULL);
      return true;
    }
    events.warn(
      FULL,
      `${MAX_OF_ALL} messages of strangers wait in the inbox, and no more of them are kept: ` +
        "allow, deny or block their senders",
    );
    return false;
  }

  #of(peer: NodeId): number {
    const row = this.#parts.store
      .statement("SELECT COUNT(*) AS count FROM inbox WHERE request = 1 AND peer = ?").get(peer);
    return Number(row?.count ?? 0);
  }

  /** Once somebody has decided about a sender, its requests count no longer. */
  #ofUndecided(): number {
    const row = this.#parts.store
      .statement("SELECT COUNT(*) AS count FROM inbox WHERE request = 1").get();
    const all = Number(row?.count ?? 0);
    return all < MAX_OF_ALL ? all : all - this.#ofDecided();
  }

  #ofDecided(): number {
    const { clock, store, permissions, book } = this.#parts;
    const atMs = clock.monotonicMs();
    if (atMs - this.#decided.atMs < COUNT_MS) return this.#decided.count;
    const count = store
      .statement("SELECT peer, COUNT(*) AS count FROM inbox WHERE request = 1 GROUP BY peer").all()
      .filter(({ peer }) =>
        permissions.standing(book.lastId(peer as NodeId), MESSAGE) !== "stranger"
      )
      .reduce((sum, row) => sum + Number(row.count), 0);
    this.#decided = { atMs, count };
    return count;
  }
}
