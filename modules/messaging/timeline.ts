/**
 * The places of messages in their conversations. A message that comes in its turn gets its place when it is stored;
 * the others wait until somebody reads, and get theirs together.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import { chainOf, nameText, readName } from "./names.ts";
import { goesBefore } from "./order.ts";
import { findPlace, GAP, namesBefore, placedOfBoth, type Standing } from "./placed_rows.ts";
import { boxOf, nameOfRow, tieOf } from "./rows.ts";
import { Settling } from "./settling.ts";
import { WholeOrder } from "./whole_order.ts";

/** How many messages a new one is compared with at once. */
const MAX_NEAR = 32;
const MAX_LINES = 1_000;
/** So often a reader begins to have all put in order in pieces, before what comes has to wait for that. */
const MAX_ORDERS = 3;
/** Of how many chains a conversation's highest numbers are kept in memory. */
const MAX_CHAINS = 64;

/** A message that is about to be stored. */
export interface NewMessage extends Standing {
  readonly id: string;
  readonly sentAt: number;
}

interface Last {
  readonly place: number;
  readonly name: string;
}

/** What is known of a conversation's end. */
interface Line {
  last: Last | null;
  /** Whether everything there has its place. */
  isSettled: boolean;
  /** The highest number of each chain that was asked for. */
  readonly newest: Map<string, number>;
  /** Whether something that is here may build on what has not come. */
  mayDangle: boolean;
}

/** The places of all conversations. */
export class Timeline {
  readonly #tables: ModuleTables;
  readonly #settling: Settling;
  readonly #lines = new Map<NodeId, Line>();
  /** What is put in order in pieces now: what comes meanwhile gets its place behind that. */
  readonly #orders = new Map<NodeId, WholeOrder>();
  readonly #held = new Set<NodeId>();

  constructor(tables: ModuleTables, settling: Settling = new Settling(tables)) {
    this.#tables = tables;
    this.#settling = settling;
  }

  /** What was written did not last: everything is read anew. */
  forget(): void {
    this.#lines.clear();
    for (const order of this.#orders.values()) order.cut();
  }

  /** Inside a transaction: what messages build on has changed, those included that have no place now. */
  noteLinks(conversation: NodeId): void {
    this.#orders.get(conversation)?.cut();
  }

  /** The highest number of a chain; 0 where there is none. */
  newest(conversation: NodeId, { own, run }: { own: boolean; run: string }): number {
    const line = this.#line(conversation);
    const chain = chainOf({ own, run });
    const held = line.newest.get(chain);
    if (held !== undefined) return held;
    const row = this.#tables.statement(
      `SELECT MAX(n) AS n FROM ${boxOf(own)} WHERE conversation = ? AND run = ?`,
    ).get(conversation, run);
    const newest = Number(row?.n ?? 0);
    // A peer may ask for any run.
    if (newest > 0) keepNewest(line, chain, newest);
    return newest;
  }

  /** Whether a message of this name is stored. */
  holds(conversation: NodeId, name: string): boolean {
    const { own, run, n } = readName(name);
    if (run !== "" && n > this.newest(conversation, { own, run })) return false;
    return findPlace(this.#tables, conversation, name) !== undefined;
  }

  /**
   * Inside the transaction that stores a message, before its row is written.
   * @returns Its place, or `null` where it gets one later.
   */
  admit(message: NewMessage): number | null {
    const { conversation } = message;
    const line = this.#line(conversation);
    const isFollowed = this.#isFollowed(message);
    if (message.run !== null && message.n !== null) {
      const chain = chainOf({ own: message.own, run: message.run });
      const newest = this.newest(conversation, { own: message.own, run: message.run });
      keepNewest(line, chain, Math.max(newest, message.n));
    }
    const isLate = isFollowed || this.#orders.has(conversation);
    const place = isLate ? null : this.#placeOf(message, line);
    if (place === null) line.isSettled = false;
    if (place === null || (line.last !== null && place <= line.last.place)) return place;
    // One without a number gets its name with its row: who comes next looks for it.
    if (message.run === null) this.#lines.delete(conversation);
    else line.last = { place, name: nameText({ ...message, run: message.run, n: message.n! }) };
    return place;
  }

  /** Inside the transaction that stores a message: it builds on one that has not come. */
  writeDangling(conversation: NodeId, name: string): void {
    this.#tables.statement(
      "INSERT OR IGNORE INTO messaging_dangling (conversation, name) VALUES (?, ?)",
    ).run(conversation, name);
    this.#line(conversation).mayDangle = true;
  }

  /** Gives every message of a conversation its place; others have their turn meanwhile. */
  async settle(conversation: NodeId): Promise<void> {
    try {
      for (let orders = 0; this.#isUnsettled(conversation);) {
        const order = this.#orders.get(conversation) ?? await this.#settleSome(conversation);
        await order?.ended;
        if (order !== null) orders += 1;
        if (orders >= MAX_ORDERS) this.#held.add(conversation);
      }
    } finally {
      this.#held.delete(conversation);
    }
  }

  /** Whether what peers write there is to come again: it has kept a reader waiting for long enough. */
  isHeld(conversation: NodeId): boolean {
    return this.#held.has(conversation);
  }

  /** @returns What is put in order in pieces, where these are too many for one go. */
  async #settleSome(conversation: NodeId): Promise<WholeOrder | null> {
    const forget = () => void this.#lines.delete(conversation);
    let own: WholeOrder | null = null;
    await this.#tables.write(() => {
      if (own !== null) this.#orders.delete(conversation);
      if (this.#orders.has(conversation)) return;
      own = this.#writeSome(conversation);
      // What is stored in the same transaction meets the places as they are now.
      forget();
    }).catch((error: unknown) => {
      if (own !== null) this.#orders.delete(conversation);
      throw error;
    }).finally(forget);
    const order = own as WholeOrder | null;
    if (order === null) return this.#orders.get(conversation) ?? null;
    await order.run().finally(() => {
      this.#orders.delete(conversation);
      forget();
    });
    return order;
  }

  #writeSome(conversation: NodeId): WholeOrder | null {
    const base = this.#settling.write(conversation);
    if (base === null) return null;
    const { atOnce } = this.#settling;
    const order = new WholeOrder(this.#tables, { conversation, base, atOnce });
    this.#orders.set(conversation, order);
    return order;
  }

  /** Inside a transaction: what stands at a place or behind it gets its place anew, as what is there has changed. */
  writeUnplaced(conversation: NodeId, from: number): void {
    for (const own of [false, true]) {
      this.#tables
        .statement(`UPDATE ${boxOf(own)} SET place = NULL WHERE conversation = ? AND place >= ?`)
        .run(conversation, from);
    }
    this.#lines.delete(conversation);
    this.noteLinks(conversation);
  }

  /** Inside a transaction: the messages of one conversation are now another's. */
  writeMove(old: NodeId, next: NodeId): void {
    for (const conversation of [old, next]) {
      this.#lines.delete(conversation);
      this.noteLinks(conversation);
    }
    const isMerged = this.#tables.statement(
      "SELECT 1 FROM messaging_messages WHERE conversation = ? LIMIT 1",
    ).get(next) !== undefined;
    for (const own of [false, true]) {
      const place = isMerged ? ", place = NULL" : "";
      this.#tables
        .statement(`UPDATE ${boxOf(own)} SET conversation = ?${place} WHERE conversation = ?`)
        .run(next, old);
    }
    this.#tables.statement(
      "UPDATE OR REPLACE messaging_dangling SET conversation = ? WHERE conversation = ?",
    ).run(next, old);
  }

  #line(conversation: NodeId): Line {
    const held = this.#lines.get(conversation);
    if (held !== undefined) return held;
    if (this.#lines.size >= MAX_LINES) this.#lines.clear();
    const ends = placedOfBoth(
      this.#tables,
      "WHERE conversation = ? AND place IS NOT NULL ORDER BY place DESC LIMIT 1",
      conversation,
    ).map((row): Last => ({ place: row.place!, name: nameOfRow(row) }));
    const last = ends.sort((a, b) => b.place - a.place)[0] ?? null;
    const mayDangle = this.#tables.statement(
      "SELECT 1 FROM messaging_dangling WHERE conversation = ? LIMIT 1",
    ).get(conversation) !== undefined;
    const isSettled = !this.#isUnsettled(conversation);
    const line = { last, isSettled, newest: new Map<string, number>(), mayDangle };
    this.#lines.set(conversation, line);
    return line;
  }

  #isUnsettled(conversation: NodeId): boolean {
    return this.#tables.statement(
      "SELECT 1 FROM messaging_messages WHERE conversation = ? AND place IS NULL LIMIT 1",
    ).get(conversation) !== undefined;
  }

  /** Whether something that was stored before comes behind a message. */
  #isFollowed({ conversation, own, run, n }: NewMessage): boolean {
    if (run === null || n === null) return false;
    if (n < this.newest(conversation, { own, run })) return true;
    // Peers name what this node wrote once it is there.
    if (own) return false;
    if (!this.#line(conversation).mayDangle) return false;
    const gone = this.#tables
      .statement("DELETE FROM messaging_dangling WHERE conversation = ? AND name = ?")
      .run(conversation, nameText({ own, run, n }));
    return Number(gone.changes) > 0;
  }

  /** Nothing has a place while something that it builds on has none. */
  #placeOf(message: NewMessage, { last, isSettled }: Line): number | null {
    const isNext = last === null || chainOf(readName(last.name)) === chainOfNew(message);
    const placeOfNext = (last?.place ?? 0) + GAP;
    if (isNext && isSettled) return placeOfNext;
    const before = namesBefore(this.#tables, message);
    if (isSettled && before.includes(last!.name)) return placeOfNext;
    const places = before.map((name) => findPlace(this.#tables, message.conversation, name)?.place);
    if (places.includes(null)) return null;
    if (isNext || before.includes(last.name)) return placeOfNext;
    const above = Math.max(0, ...places.filter((place) => typeof place === "number"));
    return this.#placeAfter(above, message);
  }

  /** Before the first one behind `above` that goes after it, unless that is far away. */
  #placeAfter(above: number, message: NewMessage): number | null {
    const near = placedOfBoth(
      this.#tables,
      "WHERE conversation = ? AND place > ? ORDER BY place LIMIT ?",
      ...[message.conversation, above, MAX_NEAR],
    ).sort((a, b) => a.place! - b.place!).slice(0, MAX_NEAR);
    let former = above;
    const own = { sentAt: message.sentAt, tie: tieOf(message) };
    for (const row of near) {
      const { place, sentAt } = row;
      if (!goesBefore({ sentAt, tie: tieOf(row) }, own)) {
        const middle = Math.floor((former + place!) / 2);
        return middle > former ? middle : null;
      }
      former = place!;
    }
    return near.length < MAX_NEAR ? former + GAP : null;
  }
}

function keepNewest({ newest }: Line, chain: string, n: number): void {
  if (newest.size >= MAX_CHAINS && !newest.has(chain)) newest.clear();
  newest.set(chain, n);
}

function chainOfNew({ own, run }: NewMessage): string {
  return chainOf({ own, run: run ?? "" });
}
