/**
 * All conversations, for whoever looks for one.
 *
 * @module
 */
import type { ConversationsView } from "../../protocol/messaging_api.ts";
import type { ModuleTables, NodeId } from "../api.ts";
import type { Conversations } from "./conversations.ts";
import type { MessagingGroups } from "./groups/messaging_groups.ts";
import type { Outbox } from "./outbox.ts";
import { rowsOfBoth } from "./rows.ts";

const MAX_LISTED = 1_000;

/** The conversations, the one with the newest text first. */
export async function listConversations(
  { tables, conversations, outbox, groups }: {
    readonly tables: ModuleTables;
    readonly conversations: Conversations;
    readonly outbox: Outbox;
    readonly groups: MessagingGroups;
  },
): Promise<ConversationsView> {
  const others = tables.statement(
    `SELECT DISTINCT conversation FROM messaging_outbox
     UNION SELECT conversation FROM messaging_conversations WHERE draft IS NOT NULL
     UNION SELECT conversation FROM messaging_groups WHERE stage = 'joined'`,
  ).all();
  const came = tables.statement("SELECT DISTINCT conversation FROM messaging_inbox").all()
    .filter(({ conversation }) => holdsMore(tables, conversation as NodeId));
  const all = [...came, ...others].map(({ conversation }) => conversation as NodeId);
  const peers = [...new Set(all)];
  const dated = peers.map((peer) => ({ peer, atMs: lastOf(tables, peer) }));
  const newest = dated.sort((a, b) => b.atMs - a.atMs).slice(0, MAX_LISTED);
  return {
    conversations: await Promise.all(newest.map(async ({ peer }) => {
      const group = await groups.groups.find(peer);
      return {
        peer,
        petname: tables.peers.petname(peer),
        ...(group === null ? {} : { group: group.name }),
        unread: conversations.unread(peer),
        waiting: group === null ? outbox.waiting(peer) : groups.views.waitingIn(group),
        has_draft: conversations.hasDraft(peer),
      };
    })),
  };
}

/** Whether something is there of what came that was not cleared. */
function holdsMore(tables: ModuleTables, peer: NodeId): boolean {
  return tables.statement(
    "SELECT 1 FROM messaging_inbox WHERE conversation = ? AND erased IS NOT 'cleared' LIMIT 1",
  ).get(peer) !== undefined;
}

/** When the newest message was stored; 0 where there is none. */
function lastOf(tables: ModuleTables, peer: NodeId): number {
  const rows = rowsOfBoth(tables, "WHERE conversation = ? ORDER BY place DESC LIMIT 1", peer);
  return Math.max(0, ...rows.map(({ receivedAt }) => receivedAt));
}
