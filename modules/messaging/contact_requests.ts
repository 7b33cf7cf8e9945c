/**
 * Contact requests: messages of strangers that wait until somebody here decides about their senders.
 *
 * @module
 */
import type { RequestsWaitingView } from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { MESSAGE_PERMISSION } from "./manifest.ts";

/** How long a message of a stranger may be. */
export const MAX_REQUEST_BYTES = 16 * 2 ** 10;
/** How many messages one stranger may leave. */
const MAX_OF_ONE = 20;
/** How many all strangers together may: ids cost nothing. */
const MAX_OF_ALL = 1_000;
/** How long a count is good for that looks at every sender: frames must not cost one each. */
const COUNT_MS = 1_000;
const FULL = "contact_requests_full";

/** Of strangers only texts are requests; former versions kept what was about them as well. */
const REQUESTS = "FROM messaging_inbox WHERE request = 1 AND kind = 'text'";

interface RequestParts extends Pick<ModuleContext, "clock" | "events"> {
  readonly tables: ModuleTables;
}

/** Keeps the number of contact requests within bounds. */
export class ContactRequests {
  readonly #parts: RequestParts;
  #decided = { atMs: -Infinity, count: 0 };

  constructor(parts: RequestParts) {
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

  /** The strangers whose messages wait, the newest last. */
  list(): RequestsWaitingView {
    const { tables } = this.#parts;
    const rows = tables.statement(
      `SELECT peer, COUNT(*) AS messages, MIN(received_at) AS first, MAX(received_at) AS last
       ${REQUESTS} GROUP BY peer ORDER BY last`,
    ).all();
    const requests = rows.filter(({ peer }) => this.#isStranger(peer as NodeId)).map((row) => ({
      peer: String(row.peer),
      messages: Number(row.messages),
      first_at: Number(row.first),
      last_at: Number(row.last),
    }));
    return { requests };
  }

  #isStranger(peer: NodeId): boolean {
    const { peers } = this.#parts.tables;
    return peers.standing(peers.lastId(peer), MESSAGE_PERMISSION) === "stranger";
  }

  #of(peer: NodeId): number {
    const row = this.#parts.tables
      .statement(`SELECT COUNT(*) AS count ${REQUESTS} AND peer = ?`)
      .get(peer);
    return Number(row?.count ?? 0);
  }

  /** Once somebody has decided about a sender, its requests count no longer. */
  #ofUndecided(): number {
    const { tables } = this.#parts;
    const row = tables
      .statement(`SELECT COUNT(*) AS count ${REQUESTS}`).get();
    const all = Number(row?.count ?? 0);
    return all < MAX_OF_ALL ? all : all - this.#ofDecided();
  }

  #ofDecided(): number {
    const { clock, tables } = this.#parts;
    const atMs = clock.monotonicMs();
    if (atMs - this.#decided.atMs < COUNT_MS) return this.#decided.count;
    const count = tables.statement(
      `SELECT peer, COUNT(*) AS count ${REQUESTS} GROUP BY peer`,
    ).all()
      .filter(({ peer }) => !this.#isStranger(peer as NodeId))
      .reduce((sum, row) => sum + Number(row.count), 0);
    this.#decided = { atMs, count };
    return count;
  }
}
