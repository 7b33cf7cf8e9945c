/**
 * Places for messages that came out of their turn: from a stretch of the conversation where that is enough, else from all
 * of it.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import { type Beyond, type Move, orderLate, seat } from "./late_order.ts";
import { orderMessages } from "./order.ts";
import {
  findPlace,
  GAP,
  namesBefore,
  placeBehind,
  PLACED_COLUMNS,
  placedOfBoth,
  type PlacedRow,
  readPlaced,
  type Seat,
  seatOf,
  writePlace,
} from "./placed_rows.ts";
import { boxOf } from "./rows.ts";

/** How many messages are looked at for those that came late: few, and where that says too little, more. */
const STRETCHES = [128, 2_048];
/** From so many without a place on no stretch is looked at. */
const MAX_LATE = 500;
/** Of more than so many without a place nobody asks where they belong: the whole conversation is put in order. */
const MAX_KNOWN = 2_048;
/** How many messages get places in one go. */
const AT_ONCE = 2_048;

/** A message without a place, and behind which place all that concerns it stands. */
interface Late {
  readonly seat: Seat;
  readonly base: number;
  /** What it stands behind; and what of that has no place either. */
  readonly before: readonly string[];
  readonly waitsFor: readonly string[];
}

export class Settling {
  readonly atOnce: number;
  readonly #tables: ModuleTables;
  readonly #stretches: readonly number[];

  constructor(
    tables: ModuleTables,
    { stretches = STRETCHES, atOnce = AT_ONCE }: {
      readonly stretches?: readonly number[];
      readonly atOnce?: number;
    } = {},
  ) {
    this.#tables = tables;
    this.#stretches = stretches;
    this.atOnce = atOnce;
  }

  /**
   * Inside a transaction: gives places to messages of a conversation that have none, to some of them at least.
   * @returns `null`, or behind which place all have to be put in order, who are too many for one go: nothing is written.
   */
  write(conversation: NodeId): number | null {
    const rows = this.#unplaced(conversation);
    if (rows.length === 0) return null;
    const late = rows.length < MAX_KNOWN ? rows.map((row) => this.#lateOf(row)) : [];
    const known = Math.max(0, Math.min(...late.map((one) => one.base)));
    const base = known === Infinity ? 0 : known;
    const isNear = known < Infinity && late.length < MAX_LATE;
    for (const length of isNear ? this.#stretches : []) {
      if (this.#writeStretch(conversation, { late, base, length })) return null;
    }
    if (this.#isLong(conversation, base)) return base;
    this.#writeAll(conversation, base);
    return null;
  }

  #isLong(conversation: NodeId, base: number): boolean {
    return [false, true].some((own) => {
      const hasMore = (which: string, ...values: number[]) =>
        this.#tables.statement(
          `SELECT 1 FROM ${boxOf(own)} WHERE conversation = ? AND ${which} LIMIT 1 OFFSET ?`,
        ).get(conversation, ...values, this.atOnce) !== undefined;
      return hasMore("place > ?", base) || hasMore("place IS NULL");
    });
  }

  #unplaced(conversation: NodeId): PlacedRow[] {
    return this.#tables.statement(
      `SELECT ${PLACED_COLUMNS} FROM messaging_messages
       WHERE conversation = ? AND place IS NULL LIMIT ?`,
    ).all(conversation, MAX_KNOWN).map(readPlaced);
  }

  #lateOf(row: PlacedRow): Late {
    const before = namesBefore(this.#tables, row, row.number);
    const found = before.map((name) => findPlace(this.#tables, row.conversation, name)?.place);
    const placed = found.filter((place) => typeof place === "number");
    const waitsFor = before.filter((_, index) => found[index] === null);
    // What it builds on has no place either, and says where to begin.
    const above = placed.length === 0 && waitsFor.length > 0 ? Infinity : Math.max(0, ...placed);
    const base = Math.min(above, placeBehind(this.#tables, row) - 1);
    return { seat: seatOf(row), base, before, waitsFor };
  }

  /** @returns Whether so many messages say where those stand that belong among them. */
  #writeStretch(
    conversation: NodeId,
    { late, base, length }: {
      readonly late: readonly Late[];
      readonly base: number;
      readonly length: number;
    },
  ): boolean {
    const rows = this.#behind(conversation, base, length + 1);
    const stretch = rows.slice(0, length);
    const next = rows.length > length ? rows[length]! : null;
    const end = next === null ? Infinity : next.row.place!;
    const here = among(late, end);
    const seats = [...stretch, ...here.map(({ seat }) => seat)];
    const before = [
      ...stretch.flatMap(({ builtOn }) => builtOn),
      ...here.flatMap((one) => one.before),
    ];
    if (here.length === 0 || !this.#isWhole(seats, { before, end })) return false;
    const beyond: Beyond | null = next && {
      next,
      hasOtherChains: () => this.#hasOthers(conversation, next, seats),
    };
    const ordered = orderLate(stretch, seats.slice(stretch.length), beyond);
    if (ordered === null) return false;
    const moves = seat(ordered, { base, end: next === null ? null : end, gap: GAP });
    if (moves === null) return false;
    this.#write(moves);
    return true;
  }

  #writeAll(conversation: NodeId, base: number): void {
    const rows = this.#tables.statement(
      `SELECT ${PLACED_COLUMNS} FROM messaging_messages
       WHERE conversation = ? AND (place > ? OR place IS NULL)`,
    ).all(conversation, base).map((row) => seatOf(readPlaced(row)));
    this.#write(seat(orderMessages(rows), { base, end: null, gap: GAP })!);
  }

  #behind(conversation: NodeId, base: number, limit: number): Seat[] {
    return placedOfBoth(
      this.#tables,
      "WHERE conversation = ? AND place > ? ORDER BY place LIMIT ?",
      ...[conversation, base, limit],
    ).sort((a, b) => a.place! - b.place!).slice(0, limit).map(seatOf);
  }

  /** Whether nothing that these stand behind stands at an end or beyond it. */
  #isWhole(
    seats: readonly Seat[],
    { before, end }: { readonly before: readonly string[]; readonly end: number },
  ): boolean {
    if (end === Infinity) return true;
    const { conversation } = seats[0]!.row;
    const names = new Set(seats.map(({ name }) => name));
    return [...new Set(before)].filter((name) => !names.has(name))
      .every((name) => (findPlace(this.#tables, conversation, name)?.place ?? 0) < end);
  }

  #hasOthers(conversation: NodeId, { place }: Seat, seats: readonly Seat[]): boolean {
    return [false, true].some((own) => {
      const runs = new Set(seats.filter(({ row }) => row.own === own).map(({ row }) => row.run));
      const named = JSON.stringify([...runs].filter((run) => run !== null));
      const nameless = runs.has(null) ? "" : "OR run IS NULL";
      return this.#tables.statement(
        `SELECT 1 FROM ${boxOf(own)} WHERE conversation = ? AND place >= ?
         AND (run NOT IN (SELECT value FROM json_each(?)) ${nameless}) LIMIT 1`,
      ).get(conversation, place!, named) !== undefined;
    });
  }

  #write(moves: readonly Move<Seat>[]): void {
    for (const { row: { row }, place } of moves) writePlace(this.#tables, row, place);
  }
}

/** Those of some late messages that belong before an end, with all that they wait for. */
function among(late: readonly Late[], end: number): Late[] {
  let here = late.filter(({ base }) => base < end || base === Infinity);
  for (;;) {
    const names = new Set(here.map(({ seat }) => seat.name));
    const left = here.filter(({ waitsFor }) => waitsFor.every((name) => names.has(name)));
    if (left.length === here.length) return here;
    here = left;
  }
}
