/**
 * The outbox: what this node wrote, sealed on disk until each peer has stored its own.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleGauge, ModuleTables, NodeId } from "../api.ts";
import { frameOf } from "./headers.ts";
import { sealWords, writeWord } from "./number_words.ts";
import { openRows } from "./opened_texts.ts";
import { createLane, fittingOf, hasRoom, isBusy, type Lane, WINDOW } from "./outbox_lane.ts";
import { DELIVERY, type Erased, type MessageRow, nameOfRow, readRow } from "./rows.ts";
import { ADDRESSED_FORM } from "./sealed_texts.ts";

/** When what a peer refused, or what failed here, is tried again without a new session. */
const AGAIN_MS = 5 * 60_000;
/** How long what was delivered may wait to be written down. A process that dies meanwhile sends it again: a repeat. */
const MARK_MS = 100;
const MARK_AGAIN_MS = 10_000;

interface OutboxParts
  extends
    Pick<ModuleContext, "clock" | "events" | "log" | "peers" | "random" | "send" | "storage"> {
  readonly tables: ModuleTables;
}

/** A message, as far as others name it. */
type Target = Pick<MessageRow, "own" | "conversation" | "run" | "n" | "number">;

const ROWS = "SELECT 1 AS own, sent_at AS received_at, * FROM messaging_outbox";

/** The messages that go. */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #lanes = new Map<NodeId, Lane>();
  readonly #delivered = new Map<string, (rttMs: number) => void>();
  /** Counted once, until something leaves: counting for each message would cost more with each. */
  readonly #waiting = new Map<NodeId, number>();
  /** The numbers of what is delivered and not written down as such. */
  readonly #unmarked = new Set<number>();
  #cancelMark: (() => void) | null = null;
  #cancelAgain: (() => void) | null = null;
  #isStopped = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Begins to send what an earlier run left. */
  start(): void {
    const rows = this.#parts.tables
      .statement("SELECT DISTINCT peer FROM messaging_outbox WHERE delivered = 0").all();
    for (const row of rows) this.pump(row.peer as NodeId);
  }

  /** A message was stored. @returns The round-trip time, once the peer has stored it as well. */
  added(peer: NodeId, row: MessageRow, text: string): Promise<number> {
    const delivered = new Promise<number>((resolve) => this.#delivered.set(row.id, resolve));
    this.#addWaiting(peer, 1);
    this.#stored(peer, row, text);
    return delivered;
  }

  /** Sends a message that was just stored from memory, unless others wait before it. */
  #stored(peer: NodeId, row: MessageRow, text: string): void {
    const lane = this.#laneOf(peer);
    // Whoever reads the rows has met it there.
    if (lane.underWay.has(row.id)) return;
    const isNext = lane.isWhole && !lane.filling.isRunning && hasRoom(lane);
    if (isNext && row.number > lane.upTo) {
      try {
        return this.#send(peer, lane, { row, text });
      } catch (error) {
        // It is stored: whoever wrote it must not write it again.
        return this.#failed(lane, error);
      }
    }
    if (row.number <= lane.upTo) this.#readAgain(lane);
    lane.isWhole = false;
    this.pump(peer);
  }

  /** Writes down what is delivered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelAgain?.();
    await this.#mark();
  }

  /** How many messages to a peer are not delivered yet. */
  waiting(peer: NodeId): number {
    const held = this.#waiting.get(peer);
    if (held !== undefined) return held;
    const row = this.#parts.tables.statement(
      `SELECT COUNT(*) AS count FROM messaging_outbox WHERE peer = ? AND delivered = 0
       AND number NOT IN (SELECT value FROM json_each(?))`,
    ).get(peer, this.#unmarkedJson());
    const count = Number(row?.count ?? 0);
    this.#waiting.set(peer, count);
    return count;
  }

  /** How many messages wait, and since when the oldest of them. */
  gauges(): readonly ModuleGauge[] {
    const { count, since } = this.#parts.tables.statement(
      `SELECT COUNT(*) AS count, MIN(sent_at) AS since FROM messaging_outbox WHERE delivered = 0
       AND number NOT IN (SELECT value FROM json_each(?))`,
    ).get(this.#unmarkedJson())!;
    const ageMs = since === null ? 0 : this.#parts.clock.nowMs() - Number(since);
    return [
      { name: "outbox_messages", help: "Messages that wait for peers.", value: Number(count) },
      {
        name: "outbox_oldest_seconds",
        help: "How long the oldest message waits; 0 where none does.",
        value: Math.max(0, ageMs) / 1000,
      },
    ];
  }

  /** Whether a message waits: what is delivered may not be written down yet. */
  waits({ own, number, delivered }: MessageRow): boolean {
    return own && delivered === DELIVERY.waiting && !this.#unmarked.has(number);
  }

  /** The oldest messages that wait for anybody. */
  list(limit: number): readonly MessageRow[] {
    return this.#parts.tables
      .statement(`${ROWS} WHERE delivered = 0 ORDER BY number LIMIT ?`)
      .all(limit + this.#unmarked.size).map(readRow).filter((row) => this.waits(row));
  }

  /** Whether a message has left this node since it started. @param connected Whether there is a session. */
  hasLeft({ peer, id }: MessageRow, connected: boolean): boolean {
    const lane = this.#lanes.get(peer as NodeId);
    if (connected && lane?.underWay.has(id)) lane.left.add(id);
    return lane?.left.has(id) ?? false;
  }

  /** A session with a peer counts from now on. */
  confirmed(peer: NodeId): void {
    if (!this.#lanes.has(peer) && this.waiting(peer) === 0) return;
    const lane = this.#laneOf(peer);
    for (const id of lane.underWay.keys()) lane.left.add(id);
    lane.isHeard = true;
    this.#tryAgain(peer, lane);
  }

  /** Sends the oldest waiting messages of a peer, as far as the window allows. */
  pump(peer: NodeId): void {
    const lane = this.#laneOf(peer);
    lane.filling.run().catch((error: unknown) => this.#failed(lane, error)).finally(() => {
      if (lane.filling.isRunning) return;
      // Of a peer to whom nothing goes, nothing stays here: anybody may have a session.
      const isIdle = lane.isWhole && lane.upTo === 0 && lane.underWay.size === 0;
      if (isIdle && this.#lanes.get(peer) === lane) this.#lanes.delete(peer);
    });
  }

  /**
   * Takes a message back that waits. What may have left under its number is removed at the peer, and the number does
   * not stay open there.
   * @throws {OpenRedError} `not_found` where nothing of this id waits, or not any more; `forbidden` for a removal.
   */
  async cancel(id: string): Promise<NodeId> {
    const row = this.#parts.tables.statement(`${ROWS} WHERE id = ? AND delivered = 0`).get(id);
    const message = row === undefined ? null : readRow(row);
    if (message === null || !this.waits(message)) {
      throw new OpenRedError("not_found", "No such message waits");
    }
    if (message.kind === "remove") {
      throw new OpenRedError("forbidden", "That a message is removed cannot be taken back");
    }
    const about = this.#waitingAbout(message);
    const how = { delivered: DELIVERY.takenBack, erased: "taken_back", with: message } as const;
    const ended = await this.end([message, ...about], how);
    if (ended.length === 0) throw new OpenRedError("not_found", "The message was just delivered");
    // And what was written while these were taken back.
    await this.takeBackAbout([message], "taken_back");
    return message.peer as NodeId;
  }

  /** Takes back what waits and is about messages that are gone: it would bring their texts after all. */
  async takeBackAbout(
    targets: readonly Target[],
    erased: Erased,
  ): Promise<void> {
    const about = targets.flatMap((target) => this.#waitingAbout(target));
    if (about.length > 0) await this.end(about, { delivered: DELIVERY.takenBack, erased });
  }

  #waitingAbout({ own, conversation, run, n, number }: Target): MessageRow[] {
    if (run === null) return [];
    return this.#parts.tables.statement(
      `${ROWS} WHERE conversation = ? AND target = ? AND delivered = 0 AND kind <> 'remove'`,
    ).all(conversation, nameOfRow({ own, run, n, number })).map(readRow)
      .filter((row) => this.waits(row));
  }

  /**
   * Ends messages that wait without their delivery. A text that is given up stays here, for its writer.
   * @param how `with`: none of them is ended where this one is delivered by then.
   * @returns Those that had not been delivered meanwhile.
   */
  async end(
    rows: readonly MessageRow[],
    how: {
      readonly delivered: number;
      readonly erased: Erased | null;
      readonly with?: MessageRow;
    },
  ): Promise<readonly MessageRow[]> {
    const { tables } = this.#parts;
    const words = await sealWords(this.#parts, rows);
    const ended: MessageRow[] = [];
    await tables.write(() => {
      this.#writeMarks();
      if (how.with !== undefined && !this.#isWaiting(how.with.number)) return;
      for (const [index, { id }] of rows.entries()) {
        const erasing = how.erased === null ? "" : ", sealed = x'', erased = COALESCE(erased, ?)";
        const { changes } = tables.statement(
          `UPDATE messaging_outbox SET delivered = ?${erasing} WHERE id = ? AND delivered = 0`,
        ).run(how.delivered, ...(how.erased === null ? [] : [how.erased]), id);
        if (Number(changes) === 0) continue;
        writeWord(tables, rows[index]!, words[index]!);
        ended.push(rows[index]!);
      }
    });
    for (const row of ended) {
      this.#waiting.delete(row.peer as NodeId);
      const lane = this.#lanes.get(row.peer as NodeId);
      lane?.underWay.get(row.id)?.sending.cancel();
      lane?.left.delete(row.id);
      this.#delivered.delete(row.id);
    }
    // Who has followed meanwhile is told.
    for (const peer of new Set(ended.map((row) => tables.peers.lastId(row.peer as NodeId)))) {
      this.#waiting.delete(peer);
      this.#readAgain(this.#laneOf(peer));
      this.pump(peer);
    }
    return ended;
  }

  #isWaiting(number: number): boolean {
    return this.#parts.tables
      .statement("SELECT 1 FROM messaging_outbox WHERE number = ? AND delivered = 0")
      .get(number) !== undefined;
  }

  /** Inside a transaction: what waits for one id goes to the id that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#writeMarks();
    this.#parts.tables
      .statement("UPDATE messaging_outbox SET peer = ? WHERE peer = ? AND delivered = 0")
      .run(next, old);
    this.#waiting.clear();
    this.#lanes.delete(old);
    const lane = this.#lanes.get(next);
    if (lane !== undefined) this.#readAgain(lane);
  }

  /** Inside a transaction: deletes what waits for a peer. */
  writeDrop(peer: NodeId): void {
    this.#writeMarks();
    this.#parts.tables
      .statement("DELETE FROM messaging_outbox WHERE peer = ? AND delivered = 0").run(peer);
    for (const id of this.#lanes.get(peer)?.underWay.keys() ?? []) this.#delivered.delete(id);
    this.#waiting.delete(peer);
    this.#lanes.delete(peer);
  }

  #laneOf(peer: NodeId): Lane {
    const held = this.#lanes.get(peer);
    if (held !== undefined) return held;
    const lane = createLane((lane) => this.#fill(peer, lane));
    this.#lanes.set(peer, lane);
    return lane;
  }

  /** Something may wait again that was under way. */
  #readAgain(lane: Lane): void {
    lane.upTo = 0;
    lane.isWhole = false;
  }

  #addWaiting(peer: NodeId, count: number): void {
    const held = this.#waiting.get(peer);
    if (held !== undefined) this.#waiting.set(peer, held + count);
  }

  /** What of the oldest is not under way and finds room there. */
  #readWaiting(peer: NodeId, lane: Lane): MessageRow[] {
    for (;;) {
      const heads = this.#parts.tables.statement(
        `SELECT number, id, LENGTH(sealed) AS bytes FROM messaging_outbox
         WHERE peer = ? AND delivered = 0 AND number > ? ORDER BY number LIMIT ?`,
      ).all(peer, lane.upTo, WINDOW)
        .map(({ number, id, bytes }) => ({
          number: Number(number),
          id: String(id),
          bytes: Number(bytes),
        }));
      const others = heads.filter(({ id, number }) =>
        !lane.underWay.has(id) && !lane.refused.has(id) && !this.#unmarked.has(number)
      );
      const fitting = fittingOf(others, lane);
      lane.isWhole = heads.length < WINDOW && fitting.length === others.length;
      const passed = fitting.length === others.length ? heads.at(-1) : fitting.at(-1);
      lane.upTo = passed?.number ?? lane.upTo;
      if (fitting.length > 0 || others.length > 0 || lane.isWhole) {
        return this.#rows(fitting.map(({ number }) => number));
      }
    }
  }

  #rows(numbers: readonly number[]): MessageRow[] {
    if (numbers.length === 0) return [];
    return this.#parts.tables.statement(
      `${ROWS} WHERE number IN (SELECT value FROM json_each(?)) AND delivered = 0 ORDER BY number`,
    ).all(JSON.stringify(numbers)).map(readRow);
  }

  /** Reads what is not under way, oldest first, opens it and sends it. */
  async #fill(peer: NodeId, lane: Lane): Promise<void> {
    if (isBusy(lane)) return;
    const waiting = this.#readWaiting(peer, lane);
    const texts = await openRows(this.#parts, waiting);
    // The peer was blocked, forgotten or followed meanwhile.
    if (this.#lanes.get(peer) !== lane) return;
    const now = new Map(
      this.#rows(waiting.map(({ number }) => number)).map((row) => [row.number, row]),
    );
    const damaged: MessageRow[] = [];
    const erased: MessageRow[] = [];
    for (const [index, { number }] of waiting.entries()) {
      const text = texts[index]!;
      const row = now.get(number);
      // Taken back, or given up, while it was opened.
      if (row === undefined) continue;
      if (row.erased !== null) erased.push(row);
      else if (text === null) damaged.push(row);
      else if (this.#recipientOf(row) !== peer) damaged.push(this.#misled(row));
      else this.#send(peer, lane, { row, text });
    }
    // What was said of a message that is gone need not go; what was changed on disk cannot, and that is said.
    if (erased.length > 0) {
      await this.end(erased, { delivered: DELIVERY.takenBack, erased: "taken_back" });
    }
    if (damaged.length > 0) {
      await this.end(damaged, { delivered: DELIVERY.givenUp, erased: null });
    }
  }

  /** Whom a message is for, as its text says. Former versions did not write that down. */
  #recipientOf({ form, writtenTo, peer }: MessageRow): NodeId {
    const { peers } = this.#parts.tables;
    return form === ADDRESSED_FORM ? peers.lastId(writtenTo as NodeId) : peer as NodeId;
  }

  /** A message that would have gone to somebody else: who it was for hears that its number never comes. */
  #misled(row: MessageRow): MessageRow {
    this.#parts.events.warn(
      "damaged",
      `The recipient of a message that waits was changed on disk: it does not go to ${row.peer}`,
    );
    this.#waiting.delete(row.peer as NodeId);
    return { ...row, peer: this.#recipientOf(row) };
  }

  #send(peer: NodeId, lane: Lane, { row, text }: { row: MessageRow; text: string }): void {
    const { id, number } = row;
    const body = encodeUtf8(text);
    const sending = this.#parts.send({ peer, id, ...frameOf(row), body });
    lane.underWay.set(id, { sending, bytes: body.length });
    lane.bytes += body.length;
    lane.upTo = Math.max(lane.upTo, number);
    void sending.acknowledged.then((rttMs) => {
      lane.bytes -= body.length;
      lane.underWay.delete(id);
      if (rttMs !== null) return this.#ended(peer, lane, { number, id, rttMs });
      if (!sending.refused) return this.#readAgain(lane);
      lane.isHeard = true;
      lane.refused.add(id);
      this.#tryAgainLater();
      if (!lane.isWhole) this.pump(peer);
    });
  }

  #failed(lane: Lane, error: unknown): void {
    this.#readAgain(lane);
    lane.hasFailed = true;
    this.#tryAgainLater();
    this.#parts.log.log("error", "outbox_failed", { text: String(error) });
  }

  #tryAgainLater(): void {
    if (this.#isStopped) return;
    this.#cancelAgain ??= this.#parts.clock.setTimer(AGAIN_MS, () => {
      this.#cancelAgain = null;
      for (const [peer, lane] of this.#lanes) {
        if (lane.hasFailed || lane.refused.size > 0) this.#tryAgain(peer, lane);
      }
    });
  }

  #tryAgain(peer: NodeId, lane: Lane): void {
    if (lane.hasFailed || lane.refused.size > 0) this.#readAgain(lane);
    lane.hasFailed = false;
    lane.refused.clear();
    this.pump(peer);
  }

  #ended(
    peer: NodeId,
    lane: Lane,
    { number, id, rttMs }: { number: number; id: string; rttMs: number },
  ): void {
    lane.isHeard = true;
    lane.left.delete(id);
    this.#unmarked.add(number);
    this.#addWaiting(peer, -1);
    this.#markIn(MARK_MS);
    this.#delivered.get(id)?.(rttMs);
    this.#delivered.delete(id);
    this.#parts.events.emit("delivered", { id, peer, rtt_ms: rttMs });
    if (!lane.isWhole) this.pump(peer);
  }

  #markIn(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelMark ??= this.#parts.clock.setTimer(delayMs, () => void this.#mark());
  }

  /** Writes down, in one transaction, what was delivered since the last time. What fails is tried again. */
  async #mark(): Promise<void> {
    const { tables, log } = this.#parts;
    this.#cancelMark?.();
    this.#cancelMark = null;
    const numbers = [...this.#unmarked];
    if (numbers.length === 0) return;
    try {
      await tables.write(() => this.#writeMarks());
      for (const number of numbers) this.#unmarked.delete(number);
    } catch (error) {
      log.log("warn", "delivered_failed", { text: String(error) });
      this.#markIn(MARK_AGAIN_MS);
    }
  }

  /** Inside a transaction: what is delivered is marked as such, unless it was taken back before. */
  #writeMarks(): void {
    this.#parts.tables.statement(
      `UPDATE messaging_outbox SET delivered = 1
       WHERE delivered = 0 AND number IN (SELECT value FROM json_each(?))`,
    ).run(this.#unmarkedJson());
  }

  #unmarkedJson(): string {
    return JSON.stringify([...this.#unmarked]);
  }
}
