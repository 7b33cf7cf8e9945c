/**
 * How much of the inbox each peer may fill: nobody who was allowed to write may fill the disk.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";

/** Messages of one peer, and the bytes of them all, sealed. */
export const MAX_MESSAGES_OF_PEER = 100_000;
const MAX_BYTES_OF_PEER = 256 * 2 ** 20;
/** What takes texts away finds room beyond these. */
const MAX_REMOVALS_BEYOND = 10_000;

interface ShareParts extends Pick<ModuleContext, "events"> {
  readonly tables: ModuleTables;
}

/** How many messages of a peer there are, and their bytes, sealed. */
export interface InboxShare {
  readonly count: number;
  readonly bytes: number;
}

/**
 * The shares of the peers of one inbox. The database counts, with each row that comes, goes or loses its text. What a
 * peer wrote counts for the id that followed it; what it wrote in groups, for its own.
 */
export class InboxShares {
  readonly #parts: ShareParts;

  constructor(parts: ShareParts) {
    this.#parts = parts;
  }

  /** What a peer has filled. */
  of(peer: NodeId): InboxShare {
    const row = this.#parts.tables
      .statement("SELECT count, bytes FROM messaging_shares WHERE peer = ?").get(peer);
    return { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0) };
  }

  isFull(peer: NodeId, { count, bytes }: InboxShare = this.of(peer)): boolean {
    return count >= MAX_MESSAGES_OF_PEER || bytes >= MAX_BYTES_OF_PEER;
  }

  /**
   * Tells whether one more message of a peer is kept. The owner hears of it where not.
   * @param filled What the peer has filled so far.
   */
  hasRoomFor(
    peer: NodeId,
    { isRemoval = false, filled = this.of(peer) }: {
      readonly isRemoval?: boolean;
      readonly filled?: InboxShare;
    } = {},
  ): boolean {
    const { events } = this.#parts;
    const { count } = filled;
    if (!this.isFull(peer, filled)) {
      events.settle(topicOf(peer));
      return true;
    }
    if (isRemoval && count < MAX_MESSAGES_OF_PEER + MAX_REMOVALS_BEYOND) return true;
    events.warn(
      topicOf(peer),
      `${peer} has filled its share of the inbox (${count} messages): no more of it are kept until older ones are ` +
        "removed with: openred-node module call messaging POST /inbox/clear --body '" +
        `{"peer":"${peer}","before":NUMBER}'`,
    );
    return false;
  }
}

function topicOf(peer: NodeId): string {
  return `inbox_full ${peer}`;
}
