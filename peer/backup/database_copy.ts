/**
 * Copies a database row by row within one turn of the event loop, so that the copy is of one moment. `VACUUM INTO` and
 * `ATTACH` are not to be had: the runtime forbids every second file in one connection.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** What SQLite makes itself. */
const OWN_TABLES = /^sqlite_/;

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Fills an empty database with all that is in another one. */
export function copyDatabase(source: DatabaseSync, target: DatabaseSync): void {
  const rows = source.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    .all() as { type: string; name: string; sql: string }[];
  const own = rows.filter(({ name }) => !OWN_TABLES.test(name));
  const tables = own.filter(({ type }) => type === "table");
  const version = source.prepare("PRAGMA user_version").get()?.user_version;
  target.exec("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE");
  for (const { sql } of tables) target.exec(sql);
  for (const { name } of tables) copyTable(source, target, name);
  if (rows.some(({ name }) => name === "sqlite_sequence")) {
    target.exec("DELETE FROM sqlite_sequence");
    copyTable(source, target, "sqlite_sequence");
  }
  for (const { type, sql } of own) if (type !== "table") target.exec(sql);
  target.exec(`PRAGMA user_version = ${Number(version ?? 0)}; COMMIT`);
}

function copyTable(source: DatabaseSync, target: DatabaseSync, name: string): void {
  const table = quoted(name);
  const names = source.prepare(`PRAGMA table_info(${table})`).all().map((row) => String(row.name));
  const columns = names.map(quoted).join(", ");
  const marks = names.map(() => "?").join(", ");
  const read = source.prepare(`SELECT ${columns} FROM ${table}`);
  read.setReadBigInts(true);
  const insert = target.prepare(`INSERT INTO ${table} (${columns}) VALUES (${marks})`);
  for (const row of read.iterate()) {
    const values = row as Record<string, SQLInputValue>;
    insert.run(...names.map((column) => values[column] ?? null));
  }
}
