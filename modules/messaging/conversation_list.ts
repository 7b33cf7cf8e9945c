/**
 * All conversations, for whoever looks for one.
 *
 * @module
 */
import type { ConversationsView } from "../../protocol/messaging_api.ts";
import type { ModuleTables, NodeId } from "../api.ts";
import type { Conversations } from "./conversations.ts";
import type { Outbox } from "./outbox.ts";
import { rowsOfBoth } from "./rows.ts";

const MAX_LISTED = 1_000;

/** The conversations, the one with the newest text first. */
export function listConversations(
  { tables, conversations, outbox }: {
    readonly tables: ModuleTables;
    readonly conversations: Conversations;
    readonly outbox: Outbox;
  },
): ConversationsView {
  const peers = tables.statement(
    `SELECT DISTINCT conversation FROM messaging_inbox
     UNION SELECT DISTINCT conversation FROM messaging_outbox
     UNION SELECT conversation FROM messaging_conversations WHERE draft IS NOT NULL`,
  ).all().map(({ conversation }) => conversation as NodeId);
  const dated = peers.map((peer) => ({ peer, atMs: lastOf(tables, peer) }));
  return {
    conversations: dated.sort((a, b) => b.atMs - a.atMs).slice(0, MAX_LISTED).map(({ peer }) => ({
      peer,
      petname: tables.peers.petname(peer),
      unread: conversations.unread(peer),
      waiting: outbox.waiting(peer),
      has_draft: conversations.hasDraft(peer),
    })),
  };
}

/** When the newest message was stored; 0 where there is none. */
function lastOf(tables: ModuleTables, peer: NodeId): number {
  const rows = rowsOfBoth(tables, "WHERE conversation = ? ORDER BY place DESC LIMIT 1", peer);
  return Math.max(0, ...rows.map(({ receivedAt }) => receivedAt));
}
