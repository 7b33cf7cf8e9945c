/**
 * Rows of a conversation as far as their places matter, and what stands before which.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import { chainOf, nameText, readName } from "./names.ts";
import type { Placed } from "./order.ts";
import { boxOf, builtOn, nameOfRow, tieOf } from "./rows.ts";

/** Between two neighbours, so that others find room there. */
export const GAP = 2 ** 20;

/** The columns of a box that places are made of. */
const BOX_COLUMNS = "number, run, n, id, sent_at, after, reply, target, place, conversation";
export const PLACED_COLUMNS = `own, ${BOX_COLUMNS}`;

/** What the place of a message depends on. */
export interface Standing {
  readonly conversation: NodeId;
  readonly own: boolean;
  readonly run: string | null;
  readonly n: number | null;
  readonly after: string;
  readonly reply: string | null;
  readonly target: string | null;
}

/** The columns that places are made of. */
export interface PlacedRow extends Standing {
  readonly number: number;
  readonly id: string;
  readonly sentAt: number;
  readonly place: number | null;
}

export function readPlaced(row: Readonly<Record<string, unknown>>): PlacedRow {
  return {
    conversation: row.conversation as NodeId,
    own: Number(row.own) === 1,
    number: Number(row.number),
    run: row.run === null ? null : String(row.run),
    n: row.n === null ? null : Number(row.n),
    id: String(row.id),
    sentAt: Number(row.sent_at),
    place: row.place === null ? null : Number(row.place),
    after: String(row.after),
    reply: row.reply === null ? null : String(row.reply),
    target: row.target === null ? null : String(row.target),
  };
}

/** Rows of both boxes, without their texts. @param rest What follows the name of a table, with a limit for each. */
export function placedOfBoth(
  tables: ModuleTables,
  rest: string,
  ...values: (string | number)[]
): PlacedRow[] {
  return [false, true].flatMap((own) => placedOfBox(tables, own, rest, ...values));
}

/** Rows of one box. @param rest What follows the name of the table. */
export function placedOfBox(
  tables: ModuleTables,
  own: boolean,
  rest: string,
  ...values: (string | number)[]
): PlacedRow[] {
  return tables.statement(
    `SELECT ${Number(own)} AS own, ${BOX_COLUMNS} FROM ${boxOf(own)} ${rest}`,
  ).all(...values).map(readPlaced);
}

/** Inside a transaction. */
export function writePlace(
  tables: ModuleTables,
  { own, number }: Pick<PlacedRow, "own" | "number">,
  place: number,
): void {
  tables.statement(`UPDATE ${boxOf(own)} SET place = ? WHERE number = ?`).run(place, number);
}

/** A row as the order takes it. */
export interface Seat extends Placed {
  readonly row: PlacedRow;
  readonly place: number | null;
}

export function seatOf(row: PlacedRow): Seat {
  return {
    row,
    place: row.place,
    name: nameOfRow(row),
    chain: chainOf({ own: row.own, run: row.run ?? "" }),
    n: row.n ?? row.number,
    sentAt: row.sentAt,
    tie: tieOf(row),
    builtOn: builtOn(row),
  };
}

/** Where a message of a name stands: `undefined` where there is none, `null` as its place while it has none. */
export function findPlace(
  tables: ModuleTables,
  conversation: NodeId,
  name: string,
): { readonly place: number | null } | undefined {
  const { own, run, n } = readName(name);
  const box = boxOf(own);
  const row = run === ""
    ? tables.statement(`SELECT place FROM ${box} WHERE conversation = ? AND number = ?`)
      .get(conversation, n)
    : tables.statement(`SELECT place FROM ${box} WHERE conversation = ? AND run = ? AND n = ?`)
      .get(conversation, run, n);
  return row === undefined ? undefined : { place: row.place === null ? null : Number(row.place) };
}

/** What stands before a message in its chain. @param number Its own in its box, where it has no other one. */
function nameBefore(
  tables: ModuleTables,
  { conversation, own, run, n }: Standing,
  number: number = Number.MAX_SAFE_INTEGER,
): string | null {
  const row = run === null || n === null
    ? tables.statement(
      `SELECT number AS n FROM ${boxOf(own)} WHERE conversation = ? AND run IS NULL AND n IS NULL
       AND number < ? ORDER BY number DESC LIMIT 1`,
    ).get(conversation, number)
    : tables.statement(
      `SELECT n FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n < ?
       ORDER BY n DESC LIMIT 1`,
    ).get(conversation, run, n);
  return row === undefined ? null : nameText({ own, run: run ?? "", n: Number(row.n) });
}

/** What a message stands behind: what it builds on, and what is before it in its chain. */
export function namesBefore(tables: ModuleTables, message: Standing, number?: number): string[] {
  const former = nameBefore(tables, message, number);
  return [...former === null ? [] : [former], ...builtOn(message)];
}

/** The smallest place of what stands behind a message by its chain, or as it builds on it; `Infinity` where nothing does. */
export function placeBehind(tables: ModuleTables, row: PlacedRow): number {
  const { conversation, own, run, n, number } = row;
  const follower = run === null
    ? tables.statement(
      `SELECT place FROM ${boxOf(own)} WHERE conversation = ? AND run IS NULL AND n IS NULL
       AND number > ? ORDER BY number LIMIT 1`,
    ).get(conversation, number)
    : tables.statement(
      `SELECT place FROM ${boxOf(own)} WHERE conversation = ? AND run = ? AND n > ?
       ORDER BY n LIMIT 1`,
    ).get(conversation, run, n);
  const name = nameOfRow(row);
  const naming = tables.statement(
    `SELECT MIN(place) AS place FROM messaging_messages WHERE conversation = ? AND target = ?
     UNION ALL
     SELECT MIN(place) FROM messaging_messages WHERE conversation = ? AND reply = ?`,
  ).all(conversation, name, conversation, name);
  return Math.min(...[follower, ...naming].map((other) => Number(other?.place ?? Infinity)));
}
