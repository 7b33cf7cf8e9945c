/**
 * Rows of messages, as the code has them.
 *
 * @module
 */
import type { ModuleTables, NodeId, TableStatement } from "../api.ts";
import type { BoundRow } from "./sealed_texts.ts";
import { isGroupChain, nameText } from "./names.ts";

/** `edit`, `react` and `remove` change the message that they name as their target. */
export type Kind = "text" | "edit" | "react" | "remove";

/** Why a row has no text any more. */
export type Erased = "removed" | "expired" | "taken_back" | "cleared";

/** What becomes of an own message: the column `delivered`. */
export const DELIVERY = { waiting: 0, delivered: 1, givenUp: 2, takenBack: 3 } as const;

/** A message of either box. */
export interface MessageRow extends BoundRow {
  readonly number: number;
  readonly conversation: NodeId;
  readonly place: number | null;
  readonly kind: Kind;
  readonly erased: Erased | null;
  readonly sealed: Uint8Array;
  readonly delivered: number;
}

type Stored = NonNullable<ReturnType<TableStatement["get"]>>;

const numberOrNull = (value: unknown) => value === null ? null : Number(value);
const textOrNull = (value: unknown) => value === null ? null : String(value);

/** The table of this node's messages, or of the peers'. */
export function boxOf(own: boolean): string {
  return own ? "messaging_outbox" : "messaging_inbox";
}

/**
 * Rows of one box, with the columns of the view `messaging_messages`. The view of both reads all that fits before it
 * gives the first one: what has an order and a limit asks the boxes one by one.
 * @param rest What follows the name of the table.
 */
export function rowsOfBox(
  tables: ModuleTables,
  own: boolean,
  rest: string,
  ...values: (string | number | null)[]
): MessageRow[] {
  const columns = own ? "1 AS own, sent_at AS received_at, *" : "0 AS own, 1 AS delivered, *";
  return tables.statement(`SELECT ${columns} FROM ${boxOf(own)} ${rest}`).all(...values)
    .map(readRow);
}

/** Rows of both boxes. @param rest As of {@linkcode rowsOfBox}, with a limit for each. */
export function rowsOfBoth(
  tables: ModuleTables,
  rest: string,
  ...values: (string | number | null)[]
): MessageRow[] {
  return [false, true].flatMap((own) => rowsOfBox(tables, own, rest, ...values));
}

/** Reads a row of the view `messaging_messages`. */
export function readRow(row: Stored): MessageRow {
  return {
    own: Number(row.own) === 1,
    number: Number(row.number),
    conversation: row.conversation as NodeId,
    place: numberOrNull(row.place),
    kind: row.kind as Kind,
    peer: String(row.peer),
    id: String(row.id),
    form: Number(row.form),
    run: textOrNull(row.run),
    n: numberOrNull(row.n),
    after: String(row.after),
    reply: textOrNull(row.reply),
    target: textOrNull(row.target),
    sentAt: Number(row.sent_at),
    receivedAt: Number(row.received_at),
    expiresAt: numberOrNull(row.expires_at),
    writtenTo: String(row.written_to ?? ""),
    erased: textOrNull(row.erased) as Erased | null,
    sealed: row.sealed as Uint8Array,
    delivered: Number(row.delivered),
  };
}

/** How a row is named in its conversation. One without a number of its sender's is told from others by its box's. */
export function nameOfRow(
  { own, run, n, number }: Pick<MessageRow, "own" | "run" | "n" | "number">,
): string {
  return nameText({ own, run: run ?? "", n: n ?? number });
}

/**
 * Decides between messages of one moment: all ends know it, whatever frame brought the message. The `id` of a group's
 * message is its hash, and its chain is this node's own word.
 */
export function tieOf({ run, id }: Pick<MessageRow, "run" | "id">): string {
  return run === null || isGroupChain(run) ? id : run;
}

/** The names that a row's column `after` holds. */
export function readAfter(after: string): string[] {
  return after === "" ? [] : after.split(" ");
}

/** The names that a row builds on. */
export function builtOn(
  { after, reply, target }: Pick<MessageRow, "after" | "reply" | "target">,
): string[] {
  return [...readAfter(after), ...[reply, target].filter((name) => name !== null)];
}
