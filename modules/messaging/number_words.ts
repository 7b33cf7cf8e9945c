/**
 * Words that a number of this node never comes: its message was taken back, given up, or never left.
 *
 * @module
 * @see docs/PROTOCOL.md, "Messages"
 */
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { newFrameId } from "./frame_ids.ts";
import { nameText, readName } from "./names.ts";
import { builtOn, type MessageRow } from "./rows.ts";
import { aadOfRow, ADDRESSED_FORM, type BoundRow, sealTexts } from "./sealed_texts.ts";

/** What says to a peer that a number never comes. */
export type Word = BoundRow & { readonly sealed: Uint8Array };

/**
 * Makes them, sealed: nothing in them is secret, and all rows are alike. Each stands in the order where its message
 * would.
 */
export async function sealWords(
  { random, storage }: Pick<ModuleContext, "random" | "storage">,
  rows: readonly MessageRow[],
): Promise<Word[]> {
  const words = rows.map((row) => ({
    own: true,
    form: ADDRESSED_FORM,
    writtenTo: row.peer,
    peer: "",
    id: newFrameId(random),
    kind: "remove",
    run: null,
    n: null,
    after: seenBy(row),
    reply: null,
    target: row.run === null ? null : nameText({ own: true, run: row.run, n: row.n! }),
    sentAt: row.sentAt,
    receivedAt: row.sentAt,
    expiresAt: null,
  }));
  const sealed = await sealTexts(
    storage,
    words.map((word) => ({ aad: aadOfRow(word), text: "" })),
  );
  return words.map((word, index) => ({ ...word, sealed: sealed[index]! }));
}

/**
 * Inside a transaction: a word takes the place of its message, unless that had no number. It is for whoever has followed
 * by now.
 */
export function writeWord(
  tables: ModuleTables,
  { peer, conversation }: MessageRow,
  word: Word,
): void {
  if (word.target === null) return;
  const lastId = (id: string) => tables.peers.lastId(id as NodeId);
  tables.statement(
    `INSERT INTO messaging_outbox (peer, id, sealed, sent_at, form, written_to, conversation, kind,
       after, target)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'remove', ?, ?)`,
  ).run(
    lastId(peer),
    word.id,
    word.sealed,
    word.sentAt,
    word.form,
    word.writtenTo,
    lastId(conversation),
    word.after,
    word.target,
  );
}

/** What a message builds on of its recipient's. */
function seenBy(row: MessageRow): string {
  return [...new Set(builtOn(row).filter((name) => !readName(name).own))].join(" ");
}
