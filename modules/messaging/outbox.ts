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

/** How many messages of one peer are under way at once; the others wait. */
const WINDOW = 256;
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
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly sentAt: number;
}

/** What is under way to one peer. */
interface Lane {
  readonly underWay: Set<string>;
  /** Whether the rows of this peer are being read; and whether there may be more since. */
  isPumping: boolean;
  isAskedAgain: boolean;
}

/** The messages that go. */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #lanes = new Map<NodeId, Lane>();
  readonly #delivered = new Map<string, (rttMs: number) => void>();

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
    await tables.write((peers) => {
      // What waits moves along with a succession once: nothing may be stored under the former id after that.
      to = peers.lastId(peer);
      if (peers.isBlocked(to)) throw new OpenRedError("forbidden", "This peer is blocked here");
      tables.statement(
        "INSERT INTO messaging_outbox (peer, id, sealed, sent_at) VALUES (?, ?, ?, ?)",
      ).run(to, id, sealed!, at);
    });
    const delivered = new Promise<number>((resolve) => this.#delivered.set(id, resolve));
    this.pump(to);
    return { id, peer: to, delivered };
  }

  /** How many messages to a peer are not delivered yet. */
  waiting(peer: NodeId): number {
    const row = this.#parts.tables.statement(
      "SELECT COUNT(*) AS count FROM messaging_outbox WHERE peer = ? AND delivered = 0",
    ).get(peer);
    return Number(row?.count ?? 0);
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
      this.#parts.log.log("error", "outbox_failed", { text: String(error) });
    }).finally(() => {
      lane.isPumping = false;
      const isAskedAgain = lane.isAskedAgain;
      lane.isAskedAgain = false;
      if (isAskedAgain) return this.pump(peer);
      if (lane.underWay.size === 0 && this.#lanes.get(peer) === lane) this.#lanes.delete(peer);
    });
  }

  /** Inside a transaction: what waits for one id goes to the id that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    this.#parts.tables
      .statement("UPDATE messaging_outbox SET peer = ? WHERE peer = ? AND delivered = 0")
      .run(next, old);
    this.#lanes.delete(old);
  }

  /** Inside a transaction: deletes what waits for a peer. */
  writeDrop(peer: NodeId): void {
    this.#parts.tables
      .statement("DELETE FROM messaging_outbox WHERE peer = ? AND delivered = 0").run(peer);
    for (const id of this.#lanes.get(peer)?.underWay ?? []) this.#delivered.delete(id);
    this.#lanes.delete(peer);
  }

  #laneOf(peer: NodeId): Lane {
    const held = this.#lanes.get(peer);
    if (held !== undefined) return held;
    const lane = { underWay: new Set<string>(), isPumping: false, isAskedAgain: false };
    this.#lanes.set(peer, lane);
    return lane;
  }

  /** Reads what is not under way, oldest first, opens it and sends it. */
  async #fill(peer: NodeId, lane: Lane): Promise<void> {
    const { tables, storage } = this.#parts;
    const rows = tables.statement(
      `SELECT id, sealed, sent_at FROM messaging_outbox WHERE peer = ? AND delivered = 0
       ORDER BY number LIMIT ?`,
    ).all(peer, WINDOW);
    const waiting = rows
      .map((row): Waiting => ({
        id: String(row.id),
        sealed: row.sealed as Uint8Array,
        sentAt: Number(row.sent_at),
      }))
      .filter(({ id }) => !lane.underWay.has(id))
      .slice(0, WINDOW - lane.underWay.size);
    const texts = await openTexts(
      storage,
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

  #send(peer: NodeId, lane: Lane, message: { id: string; sentAt: number; text: string }): void {
    const { id, sentAt, text } = message;
    const { acknowledged } = this.#parts.send({
      peer,
      type: TEXT,
      id,
      header: { sent_at: sentAt },
      body: encodeUtf8(text),
    });
    lane.underWay.add(id);
    void acknowledged.then((rttMs) => this.#acknowledged(peer, lane, { id, rttMs }));
  }

  async #acknowledged(
    peer: NodeId,
    lane: Lane,
    { id, rttMs }: { id: string; rttMs: number | null },
  ): Promise<void> {
    const { tables, events, log } = this.#parts;
    if (rttMs === null) {
      lane.underWay.delete(id);
      return;
    }
    try {
      await tables.write(() => {
        tables.statement("UPDATE messaging_outbox SET delivered = 1 WHERE id = ?").run(id);
      });
    } catch (error) {
      // It still stands in the outbox: it goes again with the next ones, and a repeat is harmless.
      log.log("warn", "acknowledged_failed", { text: String(error) });
      lane.underWay.delete(id);
      return;
    }
    lane.underWay.delete(id);
    this.#delivered.get(id)?.(rttMs);
    this.#delivered.delete(id);
    events.emit("delivered", { id, peer, rtt_ms: rttMs });
    this.pump(peer);
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
