/**
 * How much of the inbox each peer may fill: nobody who was allowed to write may fill the disk.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";

/** Messages of one peer, and the bytes of them all, sealed. */
export const MAX_MESSAGES_OF_PEER = 100_000;
const MAX_BYTES_OF_PEER = 256 * 2 ** 20;

interface Share {
  count: number;
  bytes: number;
}

interface ShareParts extends Pick<ModuleContext, "events"> {
  readonly tables: ModuleTables;
}

/** The shares of the peers of one inbox. */
export class InboxShares {
  readonly #parts: ShareParts;
  /** Counted once a run for each peer that writes; adding them up for each message would cost more with each. */
  readonly #shares = new Map<NodeId, Share>();

  constructor(parts: ShareParts) {
    this.#parts = parts;
  }

  /** Tells whether one more message of a peer is kept. The owner hears of it where not. */
  hasRoomFor(peer: NodeId): boolean {
    const { count, bytes } = this.#of(peer);
    if (count < MAX_MESSAGES_OF_PEER && bytes < MAX_BYTES_OF_PEER) return true;
    this.#parts.events.warn(
      topicOf(peer),
      `${peer} has filled its share of the inbox (${count} messages): no more of it are kept until older ones are ` +
        "removed with: openred-node module call messaging POST /inbox/clear --body '" +
        `{"peer":"${peer}","before":NUMBER}'`,
    );
    return false;
  }

  /** Counts a message that was stored. */
  add(peer: NodeId, bytes: number): void {
    const share = this.#of(peer);
    share.count += 1;
    share.bytes += bytes;
  }

  /** Has a peer's messages counted anew: some were removed, or what was counted was not stored. */
  recount(peer: NodeId): void {
    this.#shares.delete(peer);
    this.#parts.events.settle(topicOf(peer));
  }

  #of(peer: NodeId): Share {
    const known = this.#shares.get(peer);
    if (known !== undefined) return known;
    const row = this.#parts.tables.statement(
      "SELECT COUNT(*) AS count, SUM(LENGTH(sealed)) AS bytes FROM messaging_inbox WHERE peer = ?",
    ).get(peer);
    const share = { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0) };
    this.#shares.set(peer, share);
    return share;
  }
}

function topicOf(peer: NodeId): string {
  return `inbox_full ${peer}`;
}
