/**
 * What is kept of each conversation: this node's numbers, what both have read, and what is being written.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { forgetDangling } from "./erasing.ts";
import { MAX_AFTER } from "./headers.ts";
import { nameText, newRun, type RunNumber } from "./names.ts";
import { writeReadMove } from "./read_marks.ts";
import { aadOfDraft, openTexts, sealTexts } from "./sealed_texts.ts";

const DRAFT_ID_BYTES = 8;
/** Of so many texts of the peer, the newest, it is looked in which runs they are. */
const MAX_LOOKED_AT = 64;
/** More unread texts than these are not counted. */
const MAX_COUNTED = 10_000;

interface ConversationParts extends Pick<ModuleContext, "events" | "random" | "storage"> {
  readonly tables: ModuleTables;
}

/** A draft, or `null` text where it was changed on disk. */
export interface Draft {
  readonly text: string | null;
}

/** The conversations of this node. */
export class Conversations {
  readonly #parts: ConversationParts;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /**
   * Inside a transaction: has all numbers begin in new runs if this data came from an earlier state. Others have seen
   * numbers of the former runs that this node does not know of.
   */
  writeRuns(): void {
    const { tables, storage: { restoredAtMs } } = this.#parts;
    if (restoredAtMs === null) return;
    const row = tables.statement("SELECT at FROM messaging_restored").get();
    if (row !== undefined && Number(row.at) === restoredAtMs) return;
    tables.statement("UPDATE messaging_conversations SET run = '', next_n = 1").run();
    tables.statement("DELETE FROM messaging_restored").run();
    tables.statement("INSERT INTO messaging_restored (at) VALUES (?)").run(restoredAtMs);
  }

  /** Inside a transaction: the number of one more own message. */
  writeNumber(conversation: NodeId): RunNumber {
    const row = this.#parts.tables.statement(
      `UPDATE messaging_conversations SET next_n = next_n + 1 WHERE conversation = ? AND run <> ''
       RETURNING run, next_n - 1 AS n`,
    ).get(conversation);
    if (row !== undefined) return { run: String(row.run), n: Number(row.n) };
    const first = { run: newRun(this.#parts.random), n: 1 };
    this.writeGiven(conversation, first);
    return first;
  }

  /** The number that the next own message of a group gets: it has to be signed before it is given. */
  nextNumber(conversation: NodeId): RunNumber {
    const row = this.#row(conversation);
    if (row === undefined || row.run === "") return { run: newRun(this.#parts.random), n: 1 };
    return { run: String(row.run), n: Number(row.next_n) };
  }

  /** Inside a transaction: that number is given. */
  writeGiven(conversation: NodeId, { run, n }: RunNumber): void {
    this.#parts.tables.statement(
      `INSERT INTO messaging_conversations (conversation, run, next_n) VALUES (?, ?, ?)
       ON CONFLICT (conversation) DO UPDATE SET run = excluded.run, next_n = excluded.next_n`,
    ).run(conversation, run, n + 1);
  }

  /** Inside a transaction: the next number begins a new run. */
  writeNewRun(conversation: NodeId): void {
    this.#parts.tables.statement(
      "UPDATE messaging_conversations SET run = '', next_n = 1 WHERE conversation = ?",
    ).run(conversation);
  }

  /** The newest message of each of the peer's newest runs: what a text that is written now has seen. */
  heads(conversation: NodeId): string[] {
    const { tables } = this.#parts;
    const newest = tables.statement(
      `SELECT run FROM messaging_inbox WHERE conversation = ? AND kind = 'text'
       AND erased IS NULL ORDER BY number DESC LIMIT ?`,
    ).all(conversation, MAX_LOOKED_AT);
    const runs = new Set(newest.flatMap(({ run }) => run === null ? [] : [String(run)]));
    return [...runs].slice(0, MAX_AFTER).map((run) => {
      const row = tables.statement(
        "SELECT MAX(n) AS n FROM messaging_inbox WHERE conversation = ? AND run = ?",
      ).get(conversation, run);
      return nameText({ own: false, run, n: Number(row!.n) });
    });
  }

  /** How many texts of a peer were not read. */
  unread(conversation: NodeId): number {
    const row = this.#parts.tables.statement(
      `SELECT COUNT(*) AS count FROM (
         SELECT 1 FROM messaging_inbox
         WHERE conversation = ? AND kind = 'text' AND erased IS NULL AND number > ? LIMIT ?)`,
    ).get(conversation, this.seen(conversation), MAX_COUNTED);
    return Number(row?.count ?? 0);
  }

  /** The number in the inbox up to which the owner has read a peer's messages. */
  seen(conversation: NodeId): number {
    return Number(this.#row(conversation)?.seen ?? 0);
  }

  hasDraft(conversation: NodeId): boolean {
    return this.#row(conversation)?.draft instanceof Uint8Array;
  }

  async draft(conversation: NodeId): Promise<Draft> {
    const row = this.#row(conversation);
    if (row === undefined || row.draft === null) return { text: "" };
    const aad = aadOfDraft(String(row.draft_id));
    const { storage, events } = this.#parts;
    const [text] = await openTexts(storage, [{ aad, sealed: row.draft as Uint8Array }]);
    if (text === null) events.warn("damaged", "A draft was changed on disk; its text is lost");
    return { text: text ?? null };
  }

  /** Keeps what is being written; an empty text is kept nowhere. */
  async setDraft(conversation: NodeId, text: string): Promise<void> {
    const { tables, storage, random } = this.#parts;
    const id = encodeBase64Url(random.bytes(DRAFT_ID_BYTES));
    const [sealed] = await sealTexts(storage, [{ aad: aadOfDraft(id), text }]);
    await tables.write(() => {
      tables.statement(
        `INSERT INTO messaging_conversations (conversation, draft_id, draft) VALUES (?, ?, ?)
         ON CONFLICT (conversation) DO UPDATE SET draft_id = excluded.draft_id, draft = excluded.draft`,
      ).run(conversation, id, text === "" ? null : sealed!);
    });
  }

  /**
   * Inside a transaction: what is kept of one id is kept of the one that followed it. Where that has its own, it stays:
   * what it has not is the former's.
   */
  writeMove(old: NodeId, next: NodeId): void {
    const { tables } = this.#parts;
    tables.statement(
      `INSERT INTO messaging_conversations (conversation, run, next_n, seen, tell, receipts,
         draft_id, draft)
       SELECT ?, run, next_n, seen, tell, receipts, draft_id, draft
       FROM messaging_conversations WHERE conversation = ?
       ON CONFLICT (conversation) DO UPDATE SET
         next_n = CASE WHEN run = '' THEN excluded.next_n ELSE next_n END,
         run = CASE WHEN run = '' THEN excluded.run ELSE run END,
         seen = MAX(seen, excluded.seen),
         tell = MAX(tell, excluded.tell),
         receipts = COALESCE(receipts, excluded.receipts),
         draft_id = CASE WHEN draft IS NULL THEN excluded.draft_id ELSE draft_id END,
         draft = COALESCE(draft, excluded.draft)`,
    ).run(next, old);
    tables.statement("DELETE FROM messaging_conversations WHERE conversation = ?").run(old);
    writeReadMove(tables, old, next);
  }

  /** Inside a transaction: what waits to be said or sent to a peer goes. A new run leaves no gap of what is gone. */
  writeDrop(peer: NodeId): void {
    forgetDangling(this.#parts.tables, peer);
    this.#parts.tables.statement(
      `UPDATE messaging_conversations SET run = '', tell = 0, draft = NULL, draft_id = NULL
       WHERE conversation = ?`,
    ).run(peer);
  }

  #row(conversation: NodeId) {
    return this.#parts.tables
      .statement("SELECT * FROM messaging_conversations WHERE conversation = ?").get(conversation);
  }
}
