/**
 * Taking texts away: of messages that were removed or have expired. Their rows stay, so that none comes back.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import { readName } from "./names.ts";
import type { Erased } from "./rows.ts";

const BOXES = ["messaging_inbox", "messaging_outbox"];

/** Inside a transaction: forgets what was waited for of a conversation as something built on it that is gone. */
export function forgetDangling(tables: ModuleTables, conversation: NodeId): void {
  tables.statement(
    `DELETE FROM messaging_dangling AS waited WHERE conversation = ? AND NOT EXISTS (
       SELECT 1 FROM messaging_inbox
       WHERE conversation = ? AND (reply = waited.name OR target = waited.name))`,
  ).run(conversation, conversation);
}

/** Inside a transaction: takes away the text of a message, and whatever was said about it. */
export function eraseTarget(
  tables: ModuleTables,
  { conversation, target }: { readonly conversation: NodeId; readonly target: string },
  why: Erased,
): void {
  const { own, run, n } = readName(target);
  const box = BOXES[own ? 1 : 0]!;
  tables.statement(
    `UPDATE ${box} SET sealed = x'', erased = ?
     WHERE conversation = ? AND run = ? AND n = ? AND erased IS NULL AND kind <> 'remove'`,
  ).run(why, conversation, run, n);
  for (const other of BOXES) {
    tables.statement(
      `UPDATE ${other} SET sealed = x'', erased = ?
       WHERE conversation = ? AND target = ? AND erased IS NULL AND kind <> 'remove'`,
    ).run(why, conversation, target);
  }
}
