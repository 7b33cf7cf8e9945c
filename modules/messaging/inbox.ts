/**
 * The inbox: what peers wrote, acknowledged once it is stored.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { frameHeaderSchema, frameIdSchema } from "../../protocol/frames.ts";
import { MAX_TEXT_BYTES, type MessageView } from "../../protocol/messaging_api.ts";
import { integerSchema, parseInput } from "../../protocol/schemas.ts";
import type { ModuleContext, ModuleTables, NodeId, PeerFrame } from "../api.ts";
import type { ContactRequests } from "./contact_requests.ts";
import type { InboxShares } from "./inbox_shares.ts";
import { MESSAGE_PERMISSION } from "./manifest.ts";
import { openTexts, sealTexts } from "./sealed_texts.ts";

const textHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  id: frameIdSchema,
  sent_at: v.optional(integerSchema),
});

interface InboxParts extends Pick<ModuleContext, "clock" | "events" | "storage"> {
  readonly tables: ModuleTables;
  readonly requests: ContactRequests;
  readonly shares: InboxShares;
}

type Row = Readonly<Record<string, unknown>>;

/** A message that is to be stored. */
interface Arrival {
  readonly peer: NodeId;
  readonly id: string;
  readonly text: string;
  readonly receivedAt: number;
  readonly isRequest: boolean;
  readonly resolve: (isStored: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The messages that came. */
export class Inbox {
  readonly #parts: InboxParts;
  #arrivals: Arrival[] = [];

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /**
   * Stores a message once, while its peer has room for more; a stranger's only while all of them have. What comes in one
   * turn of the event loop is sealed and stored together.
   */
  async receive(frame: PeerFrame): Promise<boolean> {
    const { peer, isRequest } = frame;
    const { id } = parseInput(textHeaderSchema, frame.header);
    const text = readText(frame.body);
    if (!this.#hasRoomFor(peer, isRequest)) return this.has(peer, id);
    const { clock } = this.#parts;
    const receivedAt = clock.nowMs();
    return await new Promise((resolve, reject) => {
      this.#arrivals.push({ peer, id, text, receivedAt, isRequest, resolve, reject });
      if (this.#arrivals.length === 1) clock.setTimer(0, () => void this.#storeAll());
    });
  }

  async #storeAll(): Promise<void> {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    try {
      const sealed = await sealTexts(
        this.#parts.storage,
        arrivals.map(({ peer, id, receivedAt, text }) => ({
          place: { box: "inbox", peer, id, at: receivedAt },
          text,
        })),
      );
      const numbers = await this.#store(arrivals, sealed);
      for (const [index, arrival] of arrivals.entries()) this.#tell(arrival, numbers[index]!);
    } catch (error) {
      for (const { reject } of arrivals) reject(error);
    }
  }

  /** @param number Of the new row, 0 if the message was there, `null` without room for it. */
  #tell({ peer, id, text, receivedAt, resolve }: Arrival, number: number | null): void {
    if (number !== null && number > 0) {
      const message = this.#view({ number, peer, id, received_at: receivedAt }, text);
      this.#parts.events.emit("message", { message });
    }
    resolve(number !== null);
  }

  #hasRoomFor(peer: NodeId, isRequest: boolean): boolean {
    const { requests, shares } = this.#parts;
    return shares.hasRoomFor(peer) && (!isRequest || requests.hasRoomFor(peer));
  }

  /**
   * Removes what a peer wrote, all of it or the messages below a number.
   * @returns How many there were.
   */
  async clear(peer: NodeId, before: number): Promise<number> {
    const { tables, shares } = this.#parts;
    let removed = 0;
    await tables.write(() => {
      const { changes } = tables
        .statement("DELETE FROM messaging_inbox WHERE peer = ? AND number < ?").run(peer, before);
      removed = Number(changes);
    });
    shares.recount(peer);
    return removed;
  }

  /** @returns The number of each new row, 0 if the message was there, `null` without room for it. */
  async #store(
    arrivals: readonly Arrival[],
    sealed: readonly Uint8Array[],
  ): Promise<readonly (number | null)[]> {
    const { tables, shares } = this.#parts;
    let numbers: readonly (number | null)[] = [];
    await tables.write(() => {
      numbers = arrivals.map((arrival, index) => this.#insert(arrival, sealed[index]!));
    }).catch((error: unknown) => {
      for (const { peer } of arrivals) shares.recount(peer);
      throw error;
    });
    return numbers;
  }

  #insert(
    { peer, id, receivedAt, isRequest }: Arrival,
    sealed: Uint8Array,
  ): number | null {
    // Asked once more: those before it have taken room.
    if (!this.#hasRoomFor(peer, isRequest)) return this.has(peer, id) ? 0 : null;
    const { tables, shares } = this.#parts;
    const { changes, lastInsertRowid } = tables.statement(
      `INSERT OR IGNORE INTO messaging_inbox (peer, id, sealed, received_at, request)
       VALUES (?, ?, ?, ?, ?)`,
    ).run(peer, id, sealed, receivedAt, Number(isRequest));
    if (changes === 0) return 0;
    shares.add(peer, sealed.length);
    return Number(lastInsertRowid);
  }

  has(peer: NodeId, id: string): boolean {
    return this.#parts.tables
      .statement("SELECT 1 FROM messaging_inbox WHERE peer = ? AND id = ?").get(peer, id) !==
      undefined;
  }

  /** The oldest of the stored messages whose number is above `after`, oldest first. */
  listAfter(options: { after: number; limit: number }): Promise<MessageView[]> {
    const rows = this.#parts.tables
      .statement("SELECT * FROM messaging_inbox WHERE number > ? ORDER BY number LIMIT ?")
      .all(options.after, options.limit);
    return this.#open(rows);
  }

  /** The newest of the stored messages whose number is below `before`, oldest first. */
  listBefore(options: { before: number; limit: number }): Promise<MessageView[]> {
    const rows = this.#parts.tables
      .statement("SELECT * FROM messaging_inbox WHERE number < ? ORDER BY number DESC LIMIT ?")
      .all(options.before, options.limit);
    return this.#open(rows.reverse());
  }

  async #open(rows: readonly Row[]): Promise<MessageView[]> {
    const sealed = rows.map((row) => ({
      place: {
        box: "inbox",
        peer: String(row.peer),
        id: String(row.id),
        at: Number(row.received_at),
      } as const,
      sealed: row.sealed as Uint8Array,
    }));
    const texts = await openTexts(this.#parts.storage, sealed);
    if (texts.includes(null)) {
      this.#parts.events.warn("damaged", "A stored message was changed on disk; its text is lost");
    }
    return rows.map((row, index) => this.#view(row, texts[index]!));
  }

  /** A sender is named and judged as the id that followed it last. */
  #view(row: Row, text: string | null): MessageView {
    const { peers } = this.#parts.tables;
    const sender = peers.lastId(row.peer as NodeId);
    return {
      number: Number(row.number),
      id: String(row.id),
      peer: String(row.peer),
      petname: peers.petname(sender),
      text: text ?? "",
      ...(text === null ? { damaged: true } : {}),
      received_at: Number(row.received_at),
      standing: peers.standing(sender, MESSAGE_PERMISSION),
    };
  }
}

/** @throws {OpenRedError} `bad_request`, `too_large`. */
function readText(body: Uint8Array): string {
  if (body.length === 0) throw new OpenRedError("bad_request", "The text is empty");
  if (body.length > MAX_TEXT_BYTES) throw new OpenRedError("too_large", "The text is too long");
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The text is not UTF-8", { cause });
  }
}
