/**
 * Who has read what: the owner tells peers, unless that is switched off, and hears it of them.
 *
 * @module
 */
import * as v from "valibot";
import { frameHeaderSchema } from "../../protocol/frames.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { ModuleContext, ModuleTables, NodeId, PeerFrame, Sending } from "../api.ts";
import { newFrameId } from "./frame_ids.ts";
import { MESSAGE_PERMISSION, READ } from "./manifest.ts";
import { ownNameSchema, type RunNumber } from "./names.ts";
import { readUpto, writeRead } from "./read_marks.ts";
import type { Timeline } from "./timeline.ts";

/** A number that is missing for so long is not waited for. */
export const GAP_MS = 24 * 3_600_000;

const readHeaderSchema = v.looseObject({ ...frameHeaderSchema.entries, upto: ownNameSchema });

interface ReadingParts
  extends Pick<ModuleContext, "clock" | "events" | "log" | "options" | "random" | "send"> {
  readonly tables: ModuleTables;
  readonly timeline: Timeline;
}

/** What was read, and telling of it. */
export class Reading {
  readonly #parts: ReadingParts;
  /** What is under way to each peer: of several only the newest counts. */
  readonly #telling = new Map<NodeId, Sending>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  /** Tells what an earlier run left untold. */
  start(): void {
    const rows = this.#parts.tables
      .statement("SELECT conversation FROM messaging_conversations WHERE tell = 1").all();
    for (const { conversation } of rows) this.tell(conversation as NodeId);
  }

  /** A session with a peer counts: what it refused, or what got lost with a stop, is told once more. */
  confirmed(conversation: NodeId): void {
    if (!this.#telling.has(conversation)) this.tell(conversation);
  }

  /** Whether a peer is told what was read. */
  tells(conversation: NodeId): boolean {
    const row = this.#parts.tables.statement(
      "SELECT receipts FROM messaging_conversations WHERE conversation = ?",
    ).get(conversation);
    return row?.receipts == null
      ? this.#parts.options.receipts === true
      : Number(row.receipts) === 1;
  }

  /** Whether the owner has read something of a conversation since receipts are told there. */
  isToTell(conversation: NodeId): boolean {
    return this.tells(conversation) && this.#parts.tables.statement(
          "SELECT 1 FROM messaging_conversations WHERE conversation = ? AND tell = 1",
        ).get(conversation) !== undefined;
  }

  /** @param tells `null`: as the option of the module says. */
  async setTells(conversation: NodeId, tells: boolean | null): Promise<void> {
    const { tables } = this.#parts;
    await tables.write(() => {
      tables.statement(
        `INSERT INTO messaging_conversations (conversation, receipts) VALUES (?, ?)
         ON CONFLICT (conversation) DO UPDATE SET receipts = excluded.receipts`,
      ).run(conversation, tells === null ? null : Number(tells));
      if (this.tells(conversation)) return;
      tables.statement("UPDATE messaging_conversations SET tell = 0 WHERE conversation = ?")
        .run(conversation);
    });
    if (this.tells(conversation)) return;
    this.#telling.get(conversation)?.cancel();
    this.#telling.delete(conversation);
  }

  /** The owner has read a peer's messages up to a number of the inbox. */
  async noteSeen(conversation: NodeId, upto: number): Promise<void> {
    const { tables } = this.#parts;
    const tells = this.tells(conversation);
    await tables.write(() => {
      tables.statement(
        `INSERT INTO messaging_conversations (conversation, seen, tell) VALUES (?, ?, ?)
         ON CONFLICT (conversation) DO UPDATE SET
           tell = CASE WHEN excluded.seen > seen AND excluded.tell = 1 THEN 1 ELSE tell END,
           seen = MAX(seen, excluded.seen)`,
      ).run(conversation, upto, Number(tells));
    });
    this.tell(conversation);
  }

  /** Sends what is to be told to a peer, now or when it is back; to one that may not write, once it may. */
  tell(conversation: NodeId): void {
    const { tables, random, send, log } = this.#parts;
    if (!this.tells(conversation)) return;
    if (tables.peers.standing(conversation, MESSAGE_PERMISSION) !== "allowed") return;
    const row = tables.statement(
      "SELECT seen FROM messaging_conversations WHERE conversation = ? AND tell = 1",
    ).get(conversation);
    if (row === undefined) return;
    const seen = Number(row.seen);
    const upto = this.#uptoOf(conversation, seen);
    if (upto === null) return;
    this.#telling.get(conversation)?.cancel();
    const id = newFrameId(random);
    const sending = send({ peer: conversation, type: READ, id, header: { upto } });
    this.#telling.set(conversation, sending);
    sending.acknowledged.then(async (rttMs) => {
      if (this.#telling.get(conversation) === sending) this.#telling.delete(conversation);
      if (rttMs === null) return;
      await tables.write(() => {
        tables.statement(
          "UPDATE messaging_conversations SET tell = 0 WHERE conversation = ? AND seen = ?",
        ).run(conversation, seen);
      });
    }).catch((error: unknown) => {
      log.log("warn", "read_failed", { peer: conversation, text: String(error) });
    });
  }

  /** A peer says what it has read. */
  async receive({ peer, header }: PeerFrame): Promise<boolean> {
    const { upto } = parseInput(readHeaderSchema, header);
    const { tables, timeline, events } = this.#parts;
    const { run } = upto;
    const n = Math.min(upto.n, timeline.newest(peer, { own: true, run }));
    if (n <= readUpto(tables, { conversation: peer }, run)) return true;
    await tables.write(() => writeRead(tables, { conversation: peer }, { run, n }));
    events.emit("read", { peer });
    return true;
  }

  /** Inside a transaction: nothing is told to this id any more. */
  writeDrop(peer: NodeId): void {
    this.#telling.delete(peer);
  }

  /**
   * The last message of the newest run before which none is unread, or may still come: who hears of it takes all
   * before it for read.
   */
  #uptoOf(conversation: NodeId, seen: number): RunNumber | null {
    const { tables, clock } = this.#parts;
    const newest = tables.statement(
      `SELECT run FROM messaging_inbox WHERE conversation = ? AND kind = 'text' AND erased IS NULL
       AND number <= ? ORDER BY number DESC LIMIT 1`,
    ).get(conversation, seen);
    if (newest === undefined || newest.run === null) return null;
    const run = String(newest.run);
    const unread = tables.statement(
      `SELECT MIN(n) AS n FROM messaging_inbox
       WHERE conversation = ? AND kind = 'text' AND erased IS NULL AND number > ? AND +run = ?`,
    ).get(conversation, seen, run);
    const behindGap = tables.statement(
      `SELECT MIN(n) AS n FROM messaging_inbox AS held
       WHERE conversation = ? AND run = ? AND n > 1 AND received_at > ? AND NOT EXISTS (
         SELECT 1 FROM messaging_inbox WHERE conversation = ? AND run = ? AND n = held.n - 1)`,
    ).get(conversation, run, clock.nowMs() - GAP_MS, conversation, run);
    const end = Math.min(...[unread, behindGap].map((row) => Number(row?.n ?? Infinity)));
    const read = tables.statement(
      `SELECT MAX(n) AS n FROM messaging_inbox
       WHERE conversation = ? AND +kind = 'text' AND number <= ? AND run = ? AND n < ?`,
    ).get(conversation, seen, run, Math.min(end, Number.MAX_SAFE_INTEGER));
    return read?.n == null ? null : { run, n: Number(read.n) };
  }
}
