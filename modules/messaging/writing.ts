/**
 * What the owner writes: stored in the outbox with its number, in one transaction with all that it changes.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId, PeersNow } from "../api.ts";
import { newFrameId } from "./frame_ids.ts";
import type { Conversations } from "./conversations.ts";
import { eraseTarget } from "./erasing.ts";
import { Gathering } from "./gathering.ts";
import { nameText, readName } from "./names.ts";
import type { Outbox } from "./outbox.ts";
import { DELIVERY, type Kind, type MessageRow, rowsOfBox } from "./rows.ts";
import { aadOfRow, ADDRESSED_FORM, type BoundRow, sealTexts } from "./sealed_texts.ts";
import type { Timeline } from "./timeline.ts";

/** What may wait for one peer: it may never come back. */
const MAX_WAITING = 100_000;

interface WritingParts extends Pick<ModuleContext, "clock" | "log" | "random" | "storage"> {
  readonly tables: ModuleTables;
  readonly conversations: Conversations;
  readonly timeline: Timeline;
  readonly outbox: Outbox;
}

/** What the owner wants to say. */
export interface Draught {
  readonly kind: Kind;
  readonly text: string;
  readonly reply?: string | null;
  readonly target?: string | null;
  readonly expiresMs?: number | null;
}

/** A message that this node has stored and sends until it is acknowledged. */
export interface StoredMessage {
  readonly id: string;
  readonly peer: NodeId;
  /** Resolves with the round-trip time once the peer has stored it. */
  readonly delivered: Promise<number>;
}

/** A row that has no number yet. */
type OwnRow = BoundRow & { readonly kind: Kind };

/** A message that is to be stored, and who waits for that. */
interface Waiting {
  readonly peer: NodeId;
  readonly draught: Draught;
  readonly resolve: (stored: StoredMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes own messages. */
export class Writing {
  readonly #parts: WritingParts;
  readonly #gathering: Gathering<Waiting>;

  constructor(parts: WritingParts) {
    this.#parts = parts;
    this.#gathering = new Gathering(parts.clock, (waiting) => this.#storeAll(waiting));
  }

  /**
   * Stores a message and begins to send it.
   * @throws {OpenRedError} `overloaded` if it could not be stored, or too much waits for this peer already; `forbidden`
   *   for a peer that was just blocked.
   */
  async add(peer: NodeId, draught: Draught): Promise<StoredMessage> {
    if (this.#parts.outbox.waiting(peer) >= MAX_WAITING) {
      throw new OpenRedError("overloaded", `${MAX_WAITING} messages wait for this peer already`);
    }
    const stored = await new Promise<StoredMessage>((resolve, reject) =>
      this.#gathering.add({ peer, draught, resolve, reject })
    );
    if (draught.kind === "remove") await this.#takeBack(stored.peer, draught.target!);
    return stored;
  }

  /** Seals and stores messages together, and begins to send them. */
  async #storeAll(waiting: readonly Waiting[]): Promise<void> {
    const { outbox, timeline } = this.#parts;
    try {
      const stored = await this.#store(waiting);
      for (const [index, { draught, resolve, reject }] of waiting.entries()) {
        const row = stored[index]!;
        if (row instanceof OpenRedError) reject(row);
        else {
          const peer = row.peer as NodeId;
          resolve({ id: row.id, peer, delivered: outbox.added(peer, row, draught.text) });
        }
      }
    } catch (error) {
      timeline.forget();
      for (const { reject } of waiting) reject(error);
    }
  }

  /** @returns The rows, or why there is none. */
  async #store(waiting: readonly Waiting[]): Promise<readonly (MessageRow | OpenRedError)[]> {
    const { tables, storage } = this.#parts;
    const rows = this.#rowsOf(waiting);
    const sealed = await sealTexts(
      storage,
      rows.map((row, index) => ({ aad: aadOfRow(row), text: waiting[index]!.draught.text })),
    );
    let stored: readonly (MessageRow | OpenRedError)[] = [];
    await tables.write((peers) => {
      stored = rows.map((row, index) => {
        // What waits moves along with a succession once: nothing may be stored under the former id after that.
        const to = peers.lastId(waiting[index]!.peer);
        return this.#refusal(to, row, peers) ?? this.#insert(to, row, sealed[index]!);
      });
    });
    return stored;
  }

  /** Takes a message away here alone. */
  async erase(conversation: NodeId, target: string): Promise<void> {
    const { tables } = this.#parts;
    await tables.write(() => eraseTarget(tables, { conversation, target }, "removed"));
    await this.#takeBack(conversation, target);
  }

  /** Of a message that is removed nothing more is said. */
  async #takeBack(conversation: NodeId, target: string): Promise<void> {
    const { outbox, log } = this.#parts;
    const named = { ...readName(target), conversation, number: 0 };
    await outbox.takeBackAbout([named], "removed").catch((error: unknown) => {
      log.log("warn", "take_back_failed", { peer: conversation, text: String(error) });
    });
  }

  /**
   * A message of a conversation, by its id; of this node's own, if there is one.
   * @throws {OpenRedError} `not_found`.
   */
  find(conversation: NodeId, id: string): MessageRow {
    const { tables } = this.#parts;
    const [row] = [
      ...rowsOfBox(
        tables,
        true,
        "WHERE id = ? AND conversation = ? AND kind = 'text'",
        id,
        conversation,
      ),
      ...rowsOfBox(tables, false, "WHERE peer = ? AND id = ? AND kind = 'text'", conversation, id),
    ];
    const found = row ?? this.#findOfFormer(conversation, id);
    if (found === undefined) throw new OpenRedError("not_found", "There is no such message");
    return found;
  }

  /** Of an id that the present one has followed. */
  #findOfFormer(conversation: NodeId, id: string): MessageRow | undefined {
    const rest = "WHERE conversation = ? AND id = ? AND kind = 'text' LIMIT 1";
    return rowsOfBox(this.#parts.tables, false, rest, conversation, id)[0];
  }

  /**
   * The name of a message that another one is to be about.
   * @throws {OpenRedError} `not_found`; `bad_request` where it has none, or nothing is left of it.
   */
  nameOf(row: MessageRow): string {
    if (row.run === null || row.n === null) {
      throw new OpenRedError("bad_request", "This message has no number that the peer knows");
    }
    if (row.erased !== null) throw messageIsGone();
    return nameText({ own: row.own, run: row.run, n: row.n });
  }

  /** What each of them has seen of its conversation is looked up once for all. */
  #rowsOf(waiting: readonly Waiting[]): OwnRow[] {
    const seen = new Map<NodeId, string>();
    return waiting.map(({ peer, draught }) => {
      const after = seen.get(peer) ?? this.#parts.conversations.heads(peer).join(" ");
      seen.set(peer, after);
      return this.#rowOf(peer, draught, after);
    });
  }

  #rowOf(peer: NodeId, { kind, reply, target, expiresMs }: Draught, after: string): OwnRow {
    const { random, clock } = this.#parts;
    const sentAt = clock.nowMs();
    return {
      own: true,
      form: ADDRESSED_FORM,
      writtenTo: peer,
      peer: "",
      id: newFrameId(random),
      kind,
      run: null,
      n: null,
      after,
      reply: reply ?? null,
      target: target ?? null,
      sentAt,
      receivedAt: sentAt,
      expiresAt: expiresMs == null ? null : sentAt + expiresMs,
    };
  }

  /** Why a message is not stored: its peer was blocked, or what it is about was taken back since it was found. */
  #refusal(to: NodeId, { target }: OwnRow, peers: PeersNow): OpenRedError | null {
    if (peers.isBlocked(to)) return new OpenRedError("forbidden", "This peer is blocked here");
    if (target === null) return null;
    const { own, run, n } = readName(target);
    const [row] = rowsOfBox(
      this.#parts.tables,
      own,
      "WHERE conversation = ? AND run = ? AND n = ?",
      ...[to, run, n],
    );
    return row !== undefined && row.erased !== null ? messageIsGone() : null;
  }

  #insert(to: NodeId, row: OwnRow, sealed: Uint8Array): MessageRow {
    const { tables, conversations, timeline } = this.#parts;
    const number = conversations.writeNumber(to);
    const place = timeline.admit({ ...row, ...number, conversation: to });
    const { lastInsertRowid } = tables.statement(
      `INSERT INTO messaging_outbox (peer, id, sealed, sent_at, form, written_to, conversation,
         place, kind, run, n, after, reply, target, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      to,
      row.id,
      sealed,
      row.sentAt,
      row.form,
      row.writtenTo,
      to,
      place,
      row.kind,
      number.run,
      number.n,
      row.after,
      row.reply,
      row.target,
      row.expiresAt,
    );
    if (row.kind === "remove") {
      eraseTarget(tables, { conversation: to, target: row.target! }, "removed");
    }
    const delivered = DELIVERY.waiting;
    const own = { number: Number(lastInsertRowid), conversation: to, peer: to, place, sealed };
    return { ...row, ...number, ...own, erased: null, delivered };
  }
}

function messageIsGone(): OpenRedError {
  return new OpenRedError("bad_request", "This message was removed");
}
