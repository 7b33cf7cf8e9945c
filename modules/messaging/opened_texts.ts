/**
 * Texts as they are to be read: opened, each in its latest form.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { boxOf, type MessageRow, nameOfRow, rowsOfBox } from "./rows.ts";
import { aadOfRow, openTexts, textOfRow } from "./sealed_texts.ts";
import type { Timeline } from "./timeline.ts";

export interface OpenedText {
  readonly row: MessageRow;
  /** Empty where there is none any more. */
  readonly text: string;
  readonly isEdited: boolean;
  /** The row, or its latest edit, was changed on disk. */
  readonly isDamaged: boolean;
}

interface OpeningParts extends Pick<ModuleContext, "events" | "storage"> {
  readonly tables: ModuleTables;
  readonly timeline: Timeline;
}

/** The latest row of one author about a message: of one run the highest number, else by their places. */
export function latestAbout(
  tables: ModuleTables,
  row: MessageRow,
  { kind, own }: { readonly kind: "edit" | "react"; readonly own: boolean },
): MessageRow | null {
  if (row.run === null) return null;
  const about = [row.conversation, nameOfRow(row), kind];
  const where = `INDEXED BY ${boxOf(own)}_targets
    WHERE conversation = ? AND target = ? AND kind = ? AND erased IS NULL`;
  const runs = tables
    .statement(`SELECT COUNT(DISTINCT run) AS runs FROM ${boxOf(own)} ${where}`).get(...about);
  const order = Number(runs?.runs) > 1 ? "place DESC, n DESC" : "n DESC";
  return rowsOfBox(tables, own, `${where} ORDER BY ${order} LIMIT 1`, ...about)[0] ?? null;
}

/** Opens rows; says it to the operator where one was changed on disk. */
export async function openRows(
  { storage, events }: Pick<OpeningParts, "events" | "storage">,
  rows: readonly MessageRow[],
): Promise<readonly (string | null)[]> {
  const there = rows.filter(({ erased }) => erased === null);
  const sealed = there.map((row) => ({ aad: aadOfRow(row), sealed: row.sealed }));
  const texts = await openTexts(storage, sealed);
  if (texts.includes(null)) {
    events.warn("damaged", "A stored message was changed on disk; its text is lost");
  }
  const byRow = new Map(there.map((row, index) => [row, texts[index]!]));
  return rows.map((row) => {
    if (row.erased !== null) return "";
    const text = byRow.get(row) ?? null;
    return text === null ? null : textOfRow(row, text);
  });
}

/** Whether only places say which edit of a message is the latest, and they are not known: those of one run say it. */
function needsPlaces(tables: ModuleTables, row: MessageRow): boolean {
  if (row.kind !== "text" || row.erased !== null || row.run === null) return false;
  const edits = tables.statement(
    `SELECT COUNT(DISTINCT run) AS runs, MAX(place IS NULL) AS unplaced
     FROM ${boxOf(row.own)} INDEXED BY ${boxOf(row.own)}_targets
     WHERE conversation = ? AND target = ? AND kind = 'edit' AND erased IS NULL`,
  ).get(row.conversation, nameOfRow(row));
  return Number(edits?.runs) > 1 && Number(edits?.unplaced) === 1;
}

/** Opens texts in their latest form. */
export async function openLatest(
  parts: OpeningParts,
  rows: readonly MessageRow[],
): Promise<readonly OpenedText[]> {
  const unsettled = rows.filter((row) => needsPlaces(parts.tables, row));
  for (const conversation of new Set(unsettled.map((row) => row.conversation))) {
    await parts.timeline.settle(conversation);
  }
  const latest = rows.map((row) => {
    if (row.kind !== "text" || row.erased !== null) return row;
    return latestAbout(parts.tables, row, { kind: "edit", own: row.own }) ?? row;
  });
  const texts = await openRows(parts, latest);
  return rows.map((row, index) => ({
    row,
    text: texts[index] ?? "",
    isEdited: latest[index] !== row,
    isDamaged: texts[index] === null,
  }));
}

/** How many messages of its sender are missing right before a row. */
export function missingBefore(tables: ModuleTables, row: MessageRow): number {
  const { conversation, own, run, n } = row;
  if (own || run === null || n === null) return 0;
  const former = tables.statement(
    `SELECT n FROM messaging_inbox WHERE conversation = ? AND run = ? AND n < ?
     ORDER BY n DESC LIMIT 1`,
  ).get(conversation, run, n);
  return former === undefined ? 0 : n - Number(former.n) - 1;
}

/** How many characters the texts of one answer have together. */
const MAX_ANSWER_LENGTH = 2 * 2 ** 20;

/** A row as far as it says how long its text is. */
export interface Measured
  extends Pick<MessageRow, "own" | "conversation" | "run" | "n" | "number"> {
  readonly place: number | null;
  readonly bytes: number;
}

/** The columns of a {@linkcode Measured} row: no text is read for them. */
export const MEASURED = "number, conversation, run, n, place, LENGTH(sealed) AS bytes";

export function readMeasured(
  own: boolean,
  row: NonNullable<ReturnType<ReturnType<ModuleTables["statement"]>["get"]>>,
): Measured {
  return {
    own,
    conversation: row.conversation as NodeId,
    run: row.run === null ? null : String(row.run),
    n: row.n === null ? null : Number(row.n),
    number: Number(row.number),
    place: row.place === null ? null : Number(row.place),
    bytes: Number(row.bytes),
  };
}

/** How many of some rows an answer holds, one at least: before they are read, and opened. */
export function fittingCount(tables: ModuleTables, rows: readonly Measured[]): number {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    const edit = tables.statement(
      `SELECT MAX(LENGTH(sealed)) AS bytes FROM ${boxOf(row.own)}
       WHERE conversation = ? AND target = ? AND kind = 'edit'`,
    ).get(row.conversation, nameOfRow(row));
    bytes += Math.max(row.bytes, Number(edit?.bytes ?? 0));
    return index > 0 && bytes > MAX_ANSWER_LENGTH;
  });
  return end === -1 ? rows.length : end;
}

/** The first of some texts, as many as fit into an answer: one at least. */
export function fitting<T extends { readonly text: string }>(texts: readonly T[]): readonly T[] {
  let length = 0;
  const end = texts.findIndex(({ text }, index) => {
    length += text.length;
    return index > 0 && length > MAX_ANSWER_LENGTH;
  });
  return end === -1 ? texts : texts.slice(0, end);
}
