/**
 * The outbox: what this node wrote, sealed on disk until each peer has stored its own.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { TEXT } from "./manifest.ts";
import { openTexts, sealTexts } from "./sealed_texts.ts";

/** How many messages of one peer are under way at once; the others wait on disk. */
const WINDOW = 1_024;
/** How long what was delivered may wait to be written down. A process that dies meanwhile sends it again: a repeat. */
const MARK_MS = 100;
const MARK_AGAIN_MS = 10_000;
const ID_BYTES = 16;

interface OutboxParts
  extends Pick<ModuleContext, "clock" | "events" | "log" | "random" | "send" | "storage"> {
  readonly tables: ModuleTables;
}

/** A message that this node has stored and sends until it is acknowledged. */
export interface StoredMessage {
  readonly id: string;
  readonly peer: NodeId;
  /** Resolves with the round-trip time once the peer has stored it. */
  readonly delivered: Promise<number>;
}

interface Waiting {
  readonly number: number;
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly sentAt: number;
}

interface Opened extends Pick<Waiting, "number" | "id" | "sentAt"> {
  readonly text: string;
}

/** What is under way to one peer. */
interface Lane {
  readonly underWay: Set<string>;
  /** What waits up to this number is under way or delivered, and need not be read again. */
  upTo: number;
  /** Whether nothing waits beyond it, but what is being stored now. */
  isWhole: boolean;
  /** Whether the rows of this peer are being read; and whether there may be more since. */
  isPumping: boolean;
  isAskedAgain: boolean;
}

/** The messages that go. */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #lanes = new Map<NodeId, Lane>();
  readonly #delivered = new Map<string, (rttMs: number) => void>();
  /** The numbers of what is delivered and not written down as such. */
  readonly #unmarked = new Set<number>();
  #cancelMark: (() => void) | null = null;
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

  /**
   * Stores a message and begins to send it.
   * @throws {OpenRedError} `overloaded` if it could not be stored, `forbidden` for a peer that was just blocked.
   */
  async add(peer: NodeId, text: string): Promise<StoredMessage> {
    const { tables, storage, random, clock } = this.#parts;
    const id = encodeBase64Url(random.bytes(ID_BYTES));
    const at = clock.nowMs();
    const [sealed] = await sealTexts(storage, [{ place: { box: "outbox", id, at }, text }]);
    let to = peer;
    let number = 0;
    await tables.write((peers) => {
      // What waits moves along with a succession once: nothing may be stored under the former id after that.
      to = peers.lastId(peer);
      if (peers.isBlocked(to)) throw new OpenRedError("forbidden", "This peer is blocked here");
      const { lastInsertRowid } = tables.statement(
        "INSERT INTO messaging_outbox (peer, id, sealed, sent_at) VALUES (?, ?, ?, ?)",
      ).run(to, id, sealed!, at);
      number = Number(lastInsertRowid);
    });
    const delivered = new Promise<number>((resolve) => this.#delivered.set(id, resolve));
    this.#stored(to, { number, id, sentAt: at, text });
    return { id, peer: to, delivered };
  }

  /** Sends a message that was just stored from memory, unless others wait before it. */
  #stored(peer: NodeId, message: Opened): void {
    const lane = this.#laneOf(peer);
    // Whoever reads the rows has met it there.
    if (lane.underWay.has(message.id)) return;
    const isNext = lane.isWhole && !lane.isPumping && lane.underWay.size < WINDOW;
    if (isNext && message.number > lane.upTo) return this.#send(peer, lane, message);
    if (message.number <= lane.upTo) this.#readAgain(lane);
    lane.isWhole = false;
    this.pump(peer);
  }

  /** How many messages to a peer are not delivered yet. */
  waiting(peer: NodeId): number {
    const row = this.#parts.tables.statement(
      `SELECT COUNT(*) AS count FROM messaging_outbox WHERE peer = ? AND delivered = 0
       AND number NOT IN (SELECT value FROM json_each(?))`,
    ).get(peer, this.#unmarkedJson());
    return Number(row?.count ?? 0);
  }

  /** Writes down what is delivered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#mark();
  }

  /** Sends the oldest waiting messages of a peer, as far as the window allows. */
  pump(peer: NodeId): void {
    const lane = this.#laneOf(peer);
    if (lane.isPumping) {
      lane.isAskedAgain = true;
      return;
    }
    const hasRoom = lane.underWay.size === 0 || lane.underWay.size < WINDOW / 2;
    if (!hasRoom) return;
    lane.isPumping = true;
    this.#fill(peer, lane).catch((error: unknown) => {
      this.#readAgain(lane);
      this.#parts.log.log("error", "outbox_failed", { text: String(error) });
    }).finally(() => {
      lane.isPumping = false;
      const isAskedAgain = lane.isAskedAgain;
      lane.isAskedAgain = false;
      if (isAskedAgain) return this.pump(peer);
      // Of a peer to whom nothing goes, nothing stays here: anybody may have a session.
      const isIdle = lane.isWhole && lane.upTo === 0 && lane.underWay.size === 0;
      if (isIdle && this.#lanes.get(peer) === lane) this.#lanes.delete(peer);
    });
  }

  /** Inside a transaction: what waits for one id goes to the id that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#writeMarks();
    this.#parts.tables
      .statement("UPDATE messaging_outbox SET peer = ? WHERE peer = ? AND delivered = 0")
      .run(next, old);
    this.#lanes.delete(old);
    const lane = this.#lanes.get(next);
    if (lane !== undefined) this.#readAgain(lane);
  }

  /** Inside a transaction: deletes what waits for a peer. */
  writeDrop(peer: NodeId): void {
    this.#writeMarks();
    this.#parts.tables
      .statement("DELETE FROM messaging_outbox WHERE peer = ? AND delivered = 0").run(peer);
    for (const id of this.#lanes.get(peer)?.underWay ?? []) this.#delivered.delete(id);
    this.#lanes.delete(peer);
  }

  #laneOf(peer: NodeId): Lane {
    const held = this.#lanes.get(peer);
    if (held !== undefined) return held;
    const lane = {
      underWay: new Set<string>(),
      upTo: 0,
      isWhole: false,
      isPumping: false,
      isAskedAgain: false,
    };
    this.#lanes.set(peer, lane);
    return lane;
  }

  /** Something may wait again that was under way. */
  #readAgain(lane: Lane): void {
    lane.upTo = 0;
    lane.isWhole = false;
  }

  /** Reads what is not under way, oldest first, opens it and sends it. */
  async #fill(peer: NodeId, lane: Lane): Promise<void> {
    const waiting = this.#readWaiting(peer, lane);
    const texts = await openTexts(
      this.#parts.storage,
      waiting.map(({ id, sealed, sentAt }) => ({
        place: { box: "outbox", id, at: sentAt } as const,
        sealed,
      })),
    );
    // The peer was blocked, forgotten or followed meanwhile.
    if (this.#lanes.get(peer) !== lane) return;
    for (const [index, message] of waiting.entries()) {
      const text = texts[index]!;
      if (text === null) await this.#giveUp(message.id);
      else this.#send(peer, lane, { ...message, text });
    }
  }

  #readWaiting(peer: NodeId, lane: Lane): Waiting[] {
    const limit = WINDOW - lane.underWay.size;
    const rows = this.#parts.tables.statement(
      `SELECT number, id, sealed, sent_at FROM messaging_outbox
       WHERE peer = ? AND delivered = 0 AND number > ? ORDER BY number LIMIT ?`,
    ).all(peer, lane.upTo, WINDOW);
    const others = rows
      .map((row): Waiting => ({
        number: Number(row.number),
        id: String(row.id),
        sealed: row.sealed as Uint8Array,
        sentAt: Number(row.sent_at),
      }))
      .filter(({ id, number }) => !lane.underWay.has(id) && !this.#unmarked.has(number));
    const waiting = others.slice(0, limit);
    lane.isWhole = rows.length < WINDOW && waiting.length === others.length;
    lane.upTo = Number(waiting.at(-1)?.number ?? rows.at(-1)?.number ?? lane.upTo);
    return waiting;
  }

  #send(peer: NodeId, lane: Lane, { number, id, sentAt, text }: Opened): void {
    const { acknowledged } = this.#parts.send({
      peer,
      type: TEXT,
      id,
      header: { sent_at: sentAt },
      body: encodeUtf8(text),
    });
    lane.underWay.add(id);
    lane.upTo = Math.max(lane.upTo, number);
    void acknowledged.then((rttMs) => this.#ended(peer, lane, { number, id, rttMs }));
  }

  #ended(
    peer: NodeId,
    lane: Lane,
    { number, id, rttMs }: { number: number; id: string; rttMs: number | null },
  ): void {
    lane.underWay.delete(id);
    if (rttMs === null) return this.#readAgain(lane);
    this.#unmarked.add(number);
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

  #writeMarks(): void {
    this.#parts.tables.statement(
      "UPDATE messaging_outbox SET delivered = 1 WHERE number IN (SELECT value FROM json_each(?))",
    ).run(this.#unmarkedJson());
  }

  #unmarkedJson(): string {
    return JSON.stringify([...this.#unmarked]);
  }

  /** A text that was changed on disk cannot be sent: it is said, and no other one waits behind it. */
  async #giveUp(id: string): Promise<void> {
    const { tables, events } = this.#parts;
    await tables.write(() => {
      tables.statement("DELETE FROM messaging_outbox WHERE id = ?").run(id);
    });
    this.#delivered.delete(id);
    events.warn("damaged", "A message in the outbox was changed on disk and cannot be sent");
  }
}
