/**
 * The inbox: the texts that came, in the order in which they did.
 *
 * @module
 */
import type { MessageView } from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { forgetDangling } from "./erasing.ts";
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
/** Of so many messages of a peer that were cleared, the newest, it is known that they came. */
const MAX_CLEARED = 100_000;
/** The numbers of a list in JSON. */
const GIVEN = "(SELECT value FROM json_each(?))";

const TEXTS = "FROM messaging_inbox WHERE kind = 'text' AND erased IS NOT 'cleared'";

/** The messages that came. */
export class Inbox {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /**
   * Removes what a peer wrote, all of it or the messages below a number. What it wrote to this node leaves its id, its
   * number and what it removes, so that none of it comes back.
   * @returns How many there were.
   */
  async clear(peer: NodeId, before: number): Promise<number> {
    const { tables, shares, timeline } = this.#parts;
    const cleared = tables.statement(
      `SELECT number FROM messaging_inbox
       WHERE (conversation = ? OR (form = ? AND peer = ?)) AND number < ?
         AND erased IS NOT 'cleared'`,
    ).all(peer, GROUP_FORM, peer, before);
    try {
      await this.#writeEach(cleared, (numbers) => {
        tables.statement(`DELETE FROM messaging_inbox WHERE form = ? AND number IN ${GIVEN}`)
          .run(GROUP_FORM, numbers);
        tables.statement(
          `UPDATE messaging_inbox SET sealed = x'', erased = 'cleared', request = 0, after = '',
             reply = NULL, target = CASE WHEN kind = 'remove' THEN target END, expires_at = NULL
           WHERE number IN ${GIVEN}`,
        ).run(numbers);
      });
      const left = tables.statement(
        `SELECT number FROM messaging_inbox WHERE conversation = ? AND erased = 'cleared'
         ORDER BY number DESC LIMIT -1 OFFSET ?`,
      ).all(peer, MAX_CLEARED);
      await this.#writeEach(left, (numbers) => {
        tables.statement(`DELETE FROM messaging_inbox WHERE number IN ${GIVEN}`).run(numbers);
      });
      await tables.write(() => forgetDangling(tables, peer));
      return cleared.length;
    } finally {
      timeline.forget();
      // Nobody is warned any more of a share that is not full.
      shares.hasRoomFor(peer);
    }
  }

  /** @param change Gets some numbers as JSON. */
  async #writeEach(
    rows: readonly { readonly [column: string]: unknown }[],
    change: (numbers: string) => void,
  ): Promise<void> {
    for (let at = 0; at < rows.length; at += CLEARED_AT_ONCE) {
      const numbers = rows.slice(at, at + CLEARED_AT_ONCE).map(({ number }) => Number(number));
      await this.#parts.tables.write(() => change(JSON.stringify(numbers)));
    }
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
    const measured = tables.statement(`SELECT ${MEASURED} ${TEXTS} AND ${rest} LIMIT ?`).all(
      from,
      limit,
    ).map((row) => readMeasured(false, row));
    const rows = tables
      .statement(`SELECT 0 AS own, 1 AS delivered, * ${TEXTS} AND ${rest} LIMIT ?`)
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
