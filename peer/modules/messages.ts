/**
 * Text messages: an outbox that survives restarts, and an inbox that acknowledges what it has stored.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { MAX_TEXT_BYTES, type MessageView } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { frameHeaderSchema, frameIdSchema } from "../../protocol/frames.ts";
import { integerSchema, parseInput } from "../../protocol/schemas.ts";
import type { Background } from "../timing/background.ts";
import { ContactRequests } from "./contact_requests.ts";
import type { Petnames } from "../peers/petnames.ts";
import type { NodeEvents } from "../events/events.ts";
import type { FrameHandler } from "./frame_gate.ts";
import { MESSAGE } from "../peers/module_permissions.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { ReliableSender } from "../sessions/reliable.ts";
import type { NodeStore } from "../store/store.ts";

/** The frame type of a text message: header `{type, id, sent_at}`, body UTF-8. */
export const TEXT_TYPE = "messaging.text";

/** How many messages of one peer are under way at once; the others wait in the outbox. */
const WINDOW = 256;

const textHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  type: v.literal(TEXT_TYPE),
  id: frameIdSchema,
  sent_at: v.optional(integerSchema),
});

interface MessagesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly petnames: Petnames;
  readonly book: Pick<PeerBook, "lastId">;
  readonly background: Background;
}

/** A message that this node has stored and sends until it is acknowledged. */
export interface SentMessage {
  readonly id: string;
  /** Resolves with the round-trip time once the peer has stored it. */
  readonly delivered: Promise<number>;
}

/** The node's text messages. */
export class Messages implements FrameHandler {
  readonly members = ["sent_at"];
  readonly #parts: MessagesParts;
  readonly #requests: ContactRequests;
  readonly #waiting = new Map<string, (rttMs: number) => void>();
  readonly #underWay = new Map<NodeId, Set<string>>();
  /** Peers whose waiting messages are all under way. */
  readonly #drained = new Set<NodeId>();
  #reliable: ReliableSender | null = null;
  #wantSession: (peer: NodeId) => void = () => {};

  constructor(parts: MessagesParts) {
    this.#parts = parts;
    this.#requests = new ContactRequests(parts);
  }

  /** Begins to send what an earlier run left in the outbox. */
  start(options: { reliable: ReliableSender; wantSession: (peer: NodeId) => void }): void {
    this.#reliable = options.reliable;
    this.#wantSession = options.wantSession;
    const rows = this.#parts.store
      .statement("SELECT DISTINCT peer FROM outbox WHERE delivered = 0").all();
    for (const row of rows) this.pump(row.peer as NodeId);
  }

  /**
   * Stores a message in the outbox and begins to send it.
   * @throws {OpenRedError} `overloaded` if it could not be stored, `forbidden` for a peer that was just blocked.
   */
  async send(peer: NodeId, text: string): Promise<SentMessage> {
    const { store, random, clock, permissions, book } = this.#parts;
    const id = encodeBase64Url(random.bytes(16));
    let to = peer;
    let isBlocked = false;
    await store.write(() => {
      // What waits moves along with a succession once: nothing may be stored under the former id after that.
      to = book.lastId(peer);
      isBlocked = permissions.isBlocked(to);
      if (isBlocked) return;
      store.statement("INSERT INTO outbox (peer, id, text, sent_at) VALUES (?, ?, ?, ?)")
        .run(to, id, text, clock.nowMs());
    });
    if (isBlocked) throw new OpenRedError("forbidden", "This peer is blocked here");
    const delivered = new Promise<number>((resolve) => this.#waiting.set(id, resolve));
    this.#drained.delete(to);
    this.pump(to);
    return { id, delivered };
  }

  /** How many messages to a peer are not delivered yet. */
  outboxSize(peer: NodeId): number {
    const row = this.#parts.store
      .statement("SELECT COUNT(*) AS count FROM outbox WHERE peer = ? AND delivered = 0").get(peer);
    return Number(row?.count ?? 0);
  }

  /** Hands the oldest waiting messages of a peer to the sender, as far as the window allows. */
  pump(peer: NodeId): void {
    const reliable = this.#reliable;
    if (reliable === null) return;
    const underWay = this.#underWay.get(peer) ?? new Set();
    const room = WINDOW - underWay.size;
    if (this.#drained.has(peer) || (room <= WINDOW / 2 && underWay.size > 0)) return;
    const rows = this.#parts.store.statement(
      "SELECT id, text, sent_at FROM outbox WHERE peer = ? AND delivered = 0 ORDER BY number LIMIT ?",
    ).all(peer, WINDOW);
    const waiting = rows.filter((row) => !underWay.has(String(row.id)));
    const sent = waiting.slice(0, WINDOW - underWay.size);
    if (rows.length < WINDOW && sent.length === waiting.length) this.#drained.add(peer);
    if (rows.length === 0) return;
    this.#underWay.set(peer, underWay);
    for (const row of sent) {
      const id = String(row.id);
      underWay.add(id);
      reliable.send({
        peer,
        id,
        header: { type: TEXT_TYPE, sent_at: Number(row.sent_at) },
        body: encodeUtf8(String(row.text)),
        acknowledged: (rttMs) =>
          this.#parts.background.run("acknowledged", this.#acknowledged(peer, { id, rttMs })),
      });
    }
    this.#wantSession(peer);
  }

  async #acknowledged(peer: NodeId, message: { id: string; rttMs: number }): Promise<void> {
    const { id, rttMs } = message;
    const { store, events } = this.#parts;
    try {
      await store.write(() => {
        store.statement("UPDATE outbox SET delivered = 1 WHERE id = ?").run(id);
      });
    } catch (error) {
      // It still stands in the outbox: it goes again with the next ones, and a repeat is harmless.
      this.#drained.delete(peer);
      throw error;
    } finally {
      this.#underWay.get(peer)?.delete(id);
    }
    this.#waiting.get(id)?.(rttMs);
    this.#waiting.delete(id);
    events.emit({ type: "delivered", id, peer, rtt_ms: rttMs });
    this.pump(peer);
  }

  /** Inside a transaction: deletes what waits for a peer. {@linkcode dropped} has to follow. */
  writeDrop(peer: NodeId): void {
    this.#parts.store.statement("DELETE FROM outbox WHERE peer = ? AND delivered = 0").run(peer);
  }

  /** Stops sending what is in the outbox no more. */
  dropped(peer: NodeId): void {
    for (const id of this.#underWay.get(peer) ?? []) {
      this.#reliable?.cancel(id);
      this.#waiting.delete(id);
    }
    this.#underWay.delete(peer);
    this.#drained.delete(peer);
  }

  /** Moves what waits for one id to the id that followed it. */
  moved(old: NodeId, next: NodeId): void {
    for (const id of this.#underWay.get(old) ?? []) this.#reliable?.cancel(id);
    this.#underWay.delete(old);
    this.#drained.delete(next);
    this.pump(next);
  }

  receive(peer: NodeId, input: unknown, body: Uint8Array): Promise<boolean> {
    return this.#receive(peer, { input, body, request: false });
  }

  /** Keeps a stranger's message as a contact request, while there is room for more of them. */
  receiveRequest(peer: NodeId, input: unknown, body: Uint8Array): Promise<boolean> {
    return this.#receive(peer, { input, body, request: true });
  }

  async #receive(
    peer: NodeId,
    frame: { input: unknown; body: Uint8Array; request: boolean },
  ): Promise<boolean> {
    const { input, body, request } = frame;
    const header = parseInput(textHeaderSchema, input);
    if (body.length === 0) throw new OpenRedError("bad_request", "The text is empty");
    if (body.length > MAX_TEXT_BYTES) throw new OpenRedError("too_large", "The text is too long");
    const text = decodeText(body);
    if (this.has(peer, header.id)) return true;
    if (request && !this.#requests.hasRoomFor(peer)) return false;
    const { store, clock, events } = this.#parts;
    const row = { peer, id: header.id, text, received_at: clock.nowMs() };
    let number = 0;
    let isFull = false;
    await store.write(() => {
      // Asked once more, inside: a burst of them is stored in one transaction.
      isFull = request && !this.#requests.hasRoomFor(peer);
      if (isFull) return;
      const { changes, lastInsertRowid } = store.statement(
        "INSERT OR IGNORE INTO inbox (peer, id, text, received_at, request) VALUES (?, ?, ?, ?, ?)",
      ).run(peer, row.id, text, row.received_at, Number(request));
      number = changes === 0 ? 0 : Number(lastInsertRowid);
    });
    if (isFull) return false;
    if (number > 0) events.emit({ type: "message", message: this.#view({ ...row, number }) });
    return true;
  }

  has(peer: NodeId, id: string): boolean {
    return this.#parts.store.statement("SELECT 1 FROM inbox WHERE peer = ? AND id = ?")
      .get(peer, id) !== undefined;
  }

  /** The oldest of the stored messages whose number is above `after`, oldest first. */
  list(options: { after: number; limit: number }): MessageView[] {
    return this.#parts.store
      .statement("SELECT * FROM inbox WHERE number > ? ORDER BY number LIMIT ?")
      .all(options.after, options.limit)
      .map((row) => this.#view(row));
  }

  /** The newest of the stored messages whose number is below `before`, oldest first. */
  listBefore(options: { before: number; limit: number }): MessageView[] {
    return this.#parts.store
      .statement("SELECT * FROM inbox WHERE number < ? ORDER BY number DESC LIMIT ?")
      .all(options.before, options.limit)
      .map((row) => this.#view(row))
      .reverse();
  }

  /** A sender is named and judged as the id that followed it last. */
  #view(row: Readonly<Record<string, unknown>>): MessageView {
    const { petnames, permissions, book } = this.#parts;
    const sender = book.lastId(row.peer as NodeId);
    return {
      number: Number(row.number),
      id: String(row.id),
      peer: String(row.peer),
      petname: petnames.of(sender),
      text: String(row.text),
      received_at: Number(row.received_at),
      standing: permissions.standing(sender, MESSAGE),
    };
  }
}

function decodeText(body: Uint8Array): string {
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The text is not UTF-8", { cause });
  }
}
