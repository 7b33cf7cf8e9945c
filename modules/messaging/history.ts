/**
 * A conversation as people read it: in its order, with what became of each message.
 *
 * @module
 */
import { CLOCK_ALLOWANCE_MS } from "../../protocol/limits.ts";
import type {
  DeliveryState,
  GroupHistoryView,
  HistoryMessage,
  HistoryView,
  OutboxView,
  WaitingMessage,
} from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import type { Conversations } from "./conversations.ts";
import type { Group } from "./groups/group.ts";
import type { MessagingGroups } from "./groups/messaging_groups.ts";
import { erasedMember } from "./inbox.ts";
import { readName } from "./names.ts";
import {
  fitting,
  fittingCount,
  latestAbout,
  MEASURED,
  missingBefore,
  type OpenedText,
  openLatest,
  openRows,
  readMeasured,
} from "./opened_texts.ts";
import type { Outbox } from "./outbox.ts";
import { readUpto } from "./read_marks.ts";
import type { Reading } from "./reading.ts";
import { boxOf, DELIVERY, type MessageRow, nameOfRow, rowsOfBoth } from "./rows.ts";
import { GROUP_FORM } from "./sealed_texts.ts";
import type { Timeline } from "./timeline.ts";

const MAX_LISTED = 200;

interface HistoryParts extends Pick<ModuleContext, "events" | "own" | "peers" | "storage"> {
  readonly tables: ModuleTables;
  readonly timeline: Timeline;
  readonly conversations: Conversations;
  readonly outbox: Outbox;
  readonly reading: Reading;
  readonly groups: MessagingGroups;
}

/** What the owner has read, and whether the peer is connected. */
interface Standing {
  readonly connected: boolean;
  readonly seen: number;
  /** `null` for a conversation of two. */
  readonly group: Group | null;
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
    const rest =
      "WHERE conversation = ? AND place < ? AND kind = 'text' AND erased IS NOT 'cleared' ORDER BY place DESC LIMIT ?";
    const measured = [false, true].flatMap((own) =>
      tables.statement(`SELECT ${MEASURED} FROM ${boxOf(own)} ${rest}`)
        .all(peer, before, limit + 1).map((row) => readMeasured(own, row))
    ).sort((a, b) => b.place! - a.place!);
    const count = fittingCount(tables, measured.slice(0, limit));
    const shown = rowsOfBoth(tables, rest, peer, before, count)
      .sort((a, b) => b.place! - a.place!).slice(0, count);
    const messages = await this.describe(shown);
    const group = await this.#parts.groups.groups.find(peer);
    return {
      conversation: peer,
      petname: tables.peers.petname(peer),
      ...(group === null ? {} : { group: this.#groupView(group, messages) }),
      unread: conversations.unread(peer),
      receipts: reading.tells(peer),
      messages: messages.toReversed(),
      older: measured.length > count ? measured[count - 1]!.place : null,
    };
  }

  /** Messages of any conversations, as they are shown. */
  async describe(rows: readonly MessageRow[]): Promise<readonly HistoryMessage[]> {
    const conversations = new Set(rows.map(({ conversation }) => conversation));
    for (const conversation of conversations) await this.#parts.timeline.settle(conversation);
    const opened = await openLatest(this.#parts, rows);
    const reactions = await this.#reactions(rows);
    const read = new Map<NodeId, Standing>();
    for (const peer of conversations) {
      read.set(peer, await this.#standingOf(peer));
    }
    return await Promise.all(opened.map(async (text, index) => {
      const { row } = text;
      const standing = read.get(row.conversation)!;
      const state = standing.group === null
        ? { [row.own ? row.conversation : this.#parts.own.id]: this.#stateOf(row, standing) }
        : await this.#parts.groups.views.statesOf(standing.group, row);
      return this.#view(text, { state, group: standing.group, reactions: reactions[index]! });
    }));
  }

  async #standingOf(conversation: NodeId): Promise<Standing> {
    const { conversations, peers, groups } = this.#parts;
    return {
      seen: conversations.seen(conversation),
      connected: (await peers.get(conversation)).connected,
      group: await groups.groups.find(conversation),
    };
  }

  #groupView(group: Group, messages: readonly HistoryMessage[]): GroupHistoryView {
    const { own, tables } = this.#parts;
    const people = messages.flatMap((
      { from, reactions },
    ) => [from, ...Object.keys(reactions ?? {})]);
    return { name: group.name, you: own.id, petnames: petnamesOf(tables, people) };
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
    const ofGroups = await this.#parts.groups.views.waiting(MAX_LISTED);
    const all = [...messages, ...ofGroups];
    const fits = fitting(all);
    const isFull = rows.length === MAX_LISTED || ofGroups.length === MAX_LISTED;
    return { messages: fits, more: isFull || fits.length < all.length };
  }

  /** What both said of each message, by who did. */
  async #reactions(rows: readonly MessageRow[]): Promise<readonly Record<string, string>[]> {
    const found = rows.flatMap((row, index) =>
      this.#reactionsTo(row).map((reaction) => ({ reaction, index }))
    );
    const texts = await openRows(this.#parts, found.map(({ reaction }) => reaction));
    const all = rows.map((): Record<string, string> => ({}));
    for (const [at, { reaction, index }] of found.entries()) {
      const text = texts[at] ?? "";
      if (text !== "") all[index]![this.#authorOf(reaction)] = text;
    }
    return all;
  }

  #reactionsTo(row: MessageRow): readonly MessageRow[] {
    const { tables, groups } = this.#parts;
    if (row.form === GROUP_FORM) return groups.views.reactions(row, nameOfRow(row));
    return [true, false].flatMap((own) => latestAbout(tables, row, { kind: "react", own }) ?? []);
  }

  /** The id under which this node knows who wrote a row: in a conversation of two, whoever that is with. */
  #authorOf({ own, form, peer, conversation }: MessageRow): string {
    if (own) return this.#parts.own.id;
    return form === GROUP_FORM ? peer : conversation;
  }

  #view(
    { row, text, isEdited, isDamaged }: OpenedText,
    { state, group, reactions }: {
      readonly state: HistoryMessage["state"];
      readonly group: Group | null;
      readonly reactions: Record<string, string>;
    },
  ): HistoryMessage {
    const { own, tables } = this.#parts;
    const missing = missingBefore(tables, row);
    const number = group === null ? row : this.#parts.groups.views.numberOf(row);
    const isAhead = row.sentAt > row.receivedAt + CLOCK_ALLOWANCE_MS;
    return {
      id: row.id,
      conversation: row.conversation,
      run: number?.run ?? null,
      n: number?.n ?? null,
      from: row.own ? own.id : row.peer,
      text,
      sent_at: isAhead ? row.receivedAt : row.sentAt,
      state,
      ...(isEdited ? { edited: true } : {}),
      ...(row.reply === null ? {} : { reply_to: this.#idOf(row.conversation, row.reply) }),
      ...(Object.keys(reactions).length === 0 ? {} : { reactions }),
      ...(row.erased === null ? {} : erasedMember(row.erased)),
      ...(row.expiresAt === null ? {} : { expires_at: row.expiresAt }),
      ...(isDamaged ? { damaged: true } : {}),
      ...(missing === 0 ? {} : { missing_before: missing }),
      ...(group === null ? {} : { group: group.name }),
      ...(group !== null && this.#parts.groups.views.hasRival(row) ? { two_stories: true } : {}),
    };
  }

  #stateOf(row: MessageRow, { seen, connected }: Standing): DeliveryState {
    if (!row.own) return row.number <= seen ? "read" : "delivered";
    const { outbox } = this.#parts;
    if (outbox.waits(row)) return outbox.hasLeft(row, connected) ? "sent" : "waiting";
    if (row.delivered > DELIVERY.delivered) return "given_up";
    const { conversation, run, n } = row;
    if (run === null || n === null) return "delivered";
    return n <= readUpto(this.#parts.tables, { conversation }, run) ? "read" : "delivered";
  }

  #idOf(conversation: NodeId, name: string): string | null {
    const { own, run, n } = readName(name);
    const row = this.#parts.tables.statement(
      `SELECT id FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n = ?`,
    ).get(conversation, run, n);
    return row === undefined ? null : String(row.id);
  }
}

/** What the owner calls those of some ids who have a name. */
export function petnamesOf(
  { peers }: ModuleTables,
  ids: readonly string[],
): Readonly<Record<string, string>> {
  const named = [...new Set(ids)].flatMap((id): [string, string][] => {
    const petname = peers.petname(peers.lastId(id as NodeId));
    return petname === null ? [] : [[id, petname]];
  });
  return Object.fromEntries(named);
}
