/**
 * A conversation as people read it: in its order, with what became of each message.
 *
 * @module
 */
import { CLOCK_ALLOWANCE_MS } from "../../protocol/limits.ts";
import type {
  DeliveryState,
  HistoryMessage,
  HistoryView,
  OutboxView,
  WaitingMessage,
} from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import type { Conversations } from "./conversations.ts";
import { erasedMember } from "./inbox.ts";
import { readName, type RunNumber } from "./names.ts";
import {
  fitting,
  latestAbout,
  missingBefore,
  type OpenedText,
  openLatest,
  openRows,
} from "./opened_texts.ts";
import type { Outbox } from "./outbox.ts";
import type { Reading } from "./reading.ts";
import { boxOf, DELIVERY, type MessageRow, rowsOfBoth } from "./rows.ts";
import type { Timeline } from "./timeline.ts";

const MAX_LISTED = 200;

interface HistoryParts extends Pick<ModuleContext, "events" | "own" | "peers" | "storage"> {
  readonly tables: ModuleTables;
  readonly timeline: Timeline;
  readonly conversations: Conversations;
  readonly outbox: Outbox;
  readonly reading: Reading;
}

/** What both have read, and whether they are connected. */
interface Standing {
  readonly connected: boolean;
  readonly seen: number;
  readonly byPeer: RunNumber | null;
}

/** Reads conversations. */
export class History {
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** The newest messages of a conversation, or those above a place. */
  async page(
    peer: NodeId,
    { before = Number.MAX_SAFE_INTEGER, limit }: {
      readonly before?: number | undefined;
      readonly limit: number;
    },
  ): Promise<HistoryView> {
    const { tables, timeline, conversations, reading } = this.#parts;
    await timeline.settle(peer);
    const rows = rowsOfBoth(
      tables,
      "WHERE conversation = ? AND place < ? AND kind = 'text' ORDER BY place DESC LIMIT ?",
      ...[peer, before, limit + 1],
    ).sort((a, b) => b.place! - a.place!);
    const shown = rows.slice(0, limit);
    const messages = fitting(await this.describe(shown));
    return {
      conversation: peer,
      petname: tables.peers.petname(peer),
      unread: conversations.unread(peer),
      receipts: reading.tells(peer),
      messages: messages.toReversed(),
      older: rows.length > messages.length ? shown[messages.length - 1]!.place : null,
    };
  }

  /** Messages of any conversations, as they are shown. */
  async describe(rows: readonly MessageRow[]): Promise<readonly HistoryMessage[]> {
    const { conversations } = this.#parts;
    const opened = await openLatest(this.#parts, rows);
    const reactions = await this.#reactions(rows);
    const peers = new Set(rows.map(({ conversation }) => conversation));
    const read = new Map<NodeId, Standing>();
    for (const peer of peers) {
      read.set(peer, {
        seen: conversations.seen(peer),
        byPeer: conversations.readByPeer(peer),
        connected: (await this.#parts.peers.get(peer)).connected,
      });
    }
    return opened.map((text, index) =>
      this.#view(text, {
        read: read.get(text.row.conversation)!,
        reactions: reactions[index]!,
      })
    );
  }

  /** What waits for anybody. */
  async waiting(): Promise<OutboxView> {
    const { outbox, tables } = this.#parts;
    const rows = outbox.list(MAX_LISTED);
    const texts = await openRows(this.#parts, rows);
    const connected = new Map<string, boolean>();
    for (const peer of new Set(rows.map((row) => row.peer as NodeId))) {
      connected.set(peer, (await this.#parts.peers.get(peer)).connected);
    }
    const messages = rows.map((row, index): WaitingMessage => ({
      id: row.id,
      peer: row.peer,
      petname: tables.peers.petname(row.peer as NodeId),
      kind: row.kind,
      text: texts[index] ?? "",
      ...(texts[index] === null ? { damaged: true } : {}),
      sent_at: row.sentAt,
      state: outbox.hasLeft(row, connected.get(row.peer)!) ? "sent" : "waiting",
    }));
    const fits = fitting(messages);
    return { messages: fits, more: rows.length === MAX_LISTED || fits.length < messages.length };
  }

  /** What both said of each message, by who did. */
  async #reactions(rows: readonly MessageRow[]): Promise<readonly Record<string, string>[]> {
    const { tables, own } = this.#parts;
    const found = rows.flatMap((row, index) =>
      [true, false].flatMap((isOwn) => {
        const reaction = latestAbout(tables, row, { kind: "react", own: isOwn });
        return reaction === null ? [] : [{ reaction, index }];
      })
    );
    const texts = await openRows(this.#parts, found.map(({ reaction }) => reaction));
    const all = rows.map((): Record<string, string> => ({}));
    for (const [at, { reaction, index }] of found.entries()) {
      const text = texts[at] ?? "";
      if (text !== "") all[index]![reaction.own ? own.id : reaction.conversation] = text;
    }
    return all;
  }

  #view(
    { row, text, isEdited, isDamaged }: OpenedText,
    { read, reactions }: { read: Standing; reactions: Record<string, string> },
  ): HistoryMessage {
    const { own, tables } = this.#parts;
    const missing = missingBefore(tables, row);
    const recipient = row.own ? row.conversation : own.id;
    const isAhead = row.sentAt > row.receivedAt + CLOCK_ALLOWANCE_MS;
    return {
      id: row.id,
      conversation: row.conversation,
      run: row.run,
      n: row.n,
      from: row.own ? own.id : row.peer,
      text,
      sent_at: isAhead ? row.receivedAt : row.sentAt,
      state: { [recipient]: this.#stateOf(row, read) },
      ...(isEdited ? { edited: true } : {}),
      ...(row.reply === null ? {} : { reply_to: this.#idOf(row.conversation, row.reply) }),
      ...(Object.keys(reactions).length === 0 ? {} : { reactions }),
      ...(row.erased === null ? {} : erasedMember(row.erased)),
      ...(row.expiresAt === null ? {} : { expires_at: row.expiresAt }),
      ...(isDamaged ? { damaged: true } : {}),
      ...(missing === 0 ? {} : { missing_before: missing }),
    };
  }

  #stateOf(row: MessageRow, { seen, byPeer, connected }: Standing): DeliveryState {
    if (!row.own) return row.number <= seen ? "read" : "delivered";
    const { outbox } = this.#parts;
    if (outbox.waits(row)) return outbox.hasLeft(row, connected) ? "sent" : "waiting";
    if (row.delivered > DELIVERY.delivered) return "given_up";
    const isRead = byPeer !== null && byPeer.run === row.run && row.n! <= byPeer.n;
    return isRead ? "read" : "delivered";
  }

  #idOf(conversation: NodeId, name: string): string | null {
    const { own, run, n } = readName(name);
    const row = this.#parts.tables.statement(
      `SELECT id FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n = ?`,
    ).get(conversation, run, n);
    return row === undefined ? null : String(row.id);
  }
}
