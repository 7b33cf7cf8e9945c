/**
 * Up to where others say that they have read what this node wrote: for each of its runs.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";
import type { RunNumber } from "./names.ts";

/** Whose mark it is. In a conversation of two that is the other one, whatever id they have by now. */
export interface Reader {
  readonly conversation: string;
  readonly member?: NodeId;
}

/** The highest number of a run that is read; 0 where none is. */
export function readUpto(
  tables: ModuleTables,
  { conversation, member = "" as NodeId }: Reader,
  run: string,
): number {
  const row = tables.statement(
    "SELECT n FROM messaging_reads WHERE conversation = ? AND reader = ? AND run = ?",
  ).get(conversation, member, run);
  return Number(row?.n ?? 0);
}

/** Inside a transaction: a mark only goes forward. */
export function writeRead(
  tables: ModuleTables,
  { conversation, member = "" as NodeId }: Reader,
  { run, n }: RunNumber,
): void {
  tables.statement(
    `INSERT INTO messaging_reads (conversation, reader, run, n) VALUES (?, ?, ?, ?)
     ON CONFLICT (conversation, reader, run) DO UPDATE SET n = MAX(n, excluded.n)`,
  ).run(conversation, member, run, n);
}

/** Inside a transaction: the marks of one conversation are now another's. */
export function writeReadMove(tables: ModuleTables, old: NodeId, next: NodeId): void {
  tables.statement(
    `INSERT INTO messaging_reads (conversation, reader, run, n)
     SELECT ?, reader, run, n FROM messaging_reads WHERE conversation = ?
     ON CONFLICT (conversation, reader, run) DO UPDATE SET n = MAX(n, excluded.n)`,
  ).run(next, old);
  tables.statement("DELETE FROM messaging_reads WHERE conversation = ?").run(old);
}
