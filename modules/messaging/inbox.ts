/**
 * The inbox: the texts that came, in the order in which they did.
 *
 * @module
 */
import type { MessageView } from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import type { InboxShares } from "./inbox_shares.ts";
import { MESSAGE_PERMISSION } from "./manifest.ts";
import {
  fittingCount,
  MEASURED,
  type OpenedText,
  openLatest,
  readMeasured,
} from "./opened_texts.ts";
import { type MessageRow, readRow } from "./rows.ts";
import { GROUP_FORM } from "./sealed_texts.ts";
import type { Timeline } from "./timeline.ts";

interface InboxParts extends Pick<ModuleContext, "events" | "storage"> {
  readonly tables: ModuleTables;
  readonly shares: InboxShares;
  readonly timeline: Timeline;
}

/** An opened text, as far as a view shows it. */
interface Viewed extends Omit<OpenedText, "row"> {
  readonly row:
    & Pick<MessageRow, "number" | "id" | "peer" | "receivedAt" | "erased">
    & Partial<Pick<MessageRow, "form" | "conversation">>;
}

/** How many messages are removed in one transaction: others wait for its end. */
const CLEARED_AT_ONCE = 1_000;

const TEXTS = "SELECT 0 AS own, 1 AS delivered, * FROM messaging_inbox WHERE kind = 'text'";

/** The messages that came. */
export class Inbox {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /**
   * Removes what a peer wrote, all of it or the messages below a number.
   * @returns How many there were.
   */
  async clear(peer: NodeId, before: number): Promise<number> {
    const { shares, timeline } = this.#parts;
    let removed = 0;
    try {
      for (;;) {
        const some = await this.#clearSome(peer, before);
        removed += some;
        if (some < CLEARED_AT_ONCE) return removed;
      }
    } finally {
      timeline.forget();
      // Nobody is warned any more of a share that is not full.
      shares.hasRoomFor(peer);
    }
  }

  async #clearSome(peer: NodeId, before: number): Promise<number> {
    const { tables } = this.#parts;
    let removed = 0;
    await tables.write(() => {
      const { changes } = tables.statement(
        `DELETE FROM messaging_inbox WHERE number IN (
           SELECT number FROM messaging_inbox
           WHERE (conversation = ?1 OR (form = ?2 AND peer = ?1)) AND number < ?3 LIMIT ?4)`,
      ).run(peer, GROUP_FORM, before, CLEARED_AT_ONCE);
      removed = Number(changes);
    });
    return removed;
  }

  has(peer: NodeId, id: string): boolean {
    return this.#parts.tables
      .statement("SELECT 1 FROM messaging_inbox WHERE peer = ? AND id = ?").get(peer, id) !==
      undefined;
  }

  /** The number of the newest message of a conversation; 0 where there is none. */
  newest(conversation: NodeId): number {
    const row = this.#parts.tables.statement(
      `SELECT MAX(number) AS number FROM messaging_inbox
       WHERE conversation = ? AND kind = 'text' AND erased IS NULL`,
    ).get(conversation);
    return Number(row?.number ?? 0);
  }

  /** The number of the newest message of a conversation that stands above an own one; 0 where there is none. */
  async newestAbove({ number, conversation }: MessageRow): Promise<number> {
    const { tables, timeline } = this.#parts;
    await timeline.settle(conversation);
    const row = tables.statement(
      `SELECT MAX(number) AS number FROM messaging_inbox
       WHERE conversation = ? AND kind = 'text' AND erased IS NULL
         AND place < (SELECT place FROM messaging_outbox WHERE number = ?)`,
    ).get(conversation, number);
    return Number(row?.number ?? 0);
  }

  /** The oldest of the stored messages whose number is above `after`, oldest first. */
  async listAfter(options: { after: number; limit: number }): Promise<readonly MessageView[]> {
    return await this.#list("number > ? ORDER BY number", options.after, options.limit);
  }

  /** The newest of the stored messages whose number is below `before`, oldest first. */
  async listBefore(options: { before: number; limit: number }): Promise<readonly MessageView[]> {
    const { before, limit } = options;
    return (await this.#list("number < ? ORDER BY number DESC", before, limit)).toReversed();
  }

  async #list(rest: string, from: number, limit: number): Promise<MessageView[]> {
    const { tables } = this.#parts;
    const measured = tables.statement(
      `SELECT ${MEASURED} FROM messaging_inbox WHERE kind = 'text' AND ${rest} LIMIT ?`,
    ).all(from, limit).map((row) => readMeasured(false, row));
    const rows = tables.statement(`${TEXTS} AND ${rest} LIMIT ?`)
      .all(from, fittingCount(tables, measured)).map(readRow);
    return (await openLatest(this.#parts, rows)).map((text) => this.view(text));
  }

  /** A sender is named and judged as the id that followed it last. */
  view({ row, text, isEdited, isDamaged }: Viewed): MessageView {
    const { peers } = this.#parts.tables;
    const sender = peers.lastId(row.peer as NodeId);
    const isOfGroup = row.form === GROUP_FORM;
    return {
      number: row.number,
      id: row.id,
      peer: row.peer,
      petname: peers.petname(sender),
      text,
      ...(isDamaged ? { damaged: true } : {}),
      ...(row.erased === null ? {} : erasedMember(row.erased)),
      ...(isEdited ? { edited: true } : {}),
      received_at: row.receivedAt,
      standing: isOfGroup ? "allowed" : peers.standing(sender, MESSAGE_PERMISSION),
      ...(isOfGroup ? { conversation: row.conversation! } : {}),
    };
  }
}

/** How a view says why there is no text. */
export function erasedMember(why: string): { removed: true } | { expired: true } {
  return why === "expired" ? { expired: true } : { removed: true };
}
