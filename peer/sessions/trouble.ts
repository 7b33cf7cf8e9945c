/**
 * Why there is no session with a peer, told to the node's owner.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { PeerTrouble } from "../../protocol/admin_api.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { SessionTable } from "./session.ts";

function topicOf(peer: NodeId): string {
  return `stranded ${peer}`;
}

/** Warns of a peer that no pair leads to, and to which no directory introduces this node. */
export function warnStranded(events: NodeEvents, peer: NodeId): void {
  events.warn(
    topicOf(peer),
    `No token leads to ${
      events.log.called(peer)
    } any more, and no directory introduces this node ` +
      "to it: until one does, or it calls, there is no session with it",
    { peer },
  );
}

/** Takes the warning back. */
export function settleStranded(events: Pick<NodeEvents, "settle">, peer: NodeId): void {
  events.settle(topicOf(peer));
}

/** What keeps this node from a session with a peer, or from renewing it; `null` if nothing does. */
export function troubleWith(
  parts: {
    readonly book: PeerBook;
    readonly table: SessionTable;
    readonly links: { trouble(peer: NodeId): PeerTrouble | null };
  },
  peer: NodeId,
): PeerTrouble | null {
  const revokedAt = parts.book.get(peer)?.revokedAt ?? null;
  if (revokedAt === null) return parts.links.trouble(peer);
  if (parts.table.current(peer) !== null) return null;
  return {
    code: "revoked",
    reason: null,
    text: "Its tokens were revoked; it is called again once somebody here asks for it",
    since: revokedAt,
    next_try_in_ms: null,
  };
}
