/**
 * A backup of a database in memory.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

interface TableCopy {
  readonly name: string;
  readonly rows: readonly (readonly SQLInputValue[])[];
}

export interface DatabaseCopy {
  readonly userVersion: number;
  /** The statements that make its tables, then its indexes and triggers. */
  readonly tables: readonly string[];
  readonly others: readonly string[];
  readonly content: readonly TableCopy[];
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function copyTable(database: DatabaseSync, name: string): TableCopy {
  const statement = database.prepare(`SELECT * FROM ${quote(name)}`);
  statement.setReadBigInts(true);
  return { name, rows: statement.all().map((row) => Object.values(row)) };
}

export function copyDatabase(database: DatabaseSync): DatabaseCopy {
  const schema = database.prepare(
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid",
  ).all() as { type: string; name: string; sql: string }[];
  const version = database.prepare("PRAGMA user_version").get() as { user_version: number };
  const tables = schema.filter((entry) => entry.type === "table");
  const own = tables.filter((entry) => !entry.name.startsWith("sqlite_"));
  return {
    userVersion: version.user_version,
    tables: own.map((entry) => entry.sql),
    others: schema.filter((entry) => entry.type !== "table").map((entry) => entry.sql),
    // sqlite_sequence exists as soon as a table that needs it does, and is filled last.
    content: [...own, ...tables.filter((entry) => entry.name === "sqlite_sequence")]
      .map((entry) => copyTable(database, entry.name)),
  };
}

/** Puts the content of a copy into the tables that it was made of, for whoever holds that database open. */
export function refillDatabase(database: DatabaseSync, { content, others }: DatabaseCopy): void {
  const triggers = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
  database.exec("BEGIN");
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${quote(String(name))}`);
  for (const table of content) {
    database.exec(`DELETE FROM ${quote(table.name)}`);
    fillTable(database, table);
  }
  for (const sql of others) if (sql.startsWith("CREATE TRIGGER")) database.exec(sql);
  database.exec("COMMIT");
}

function fillTable(database: DatabaseSync, { name, rows }: TableCopy): void {
  for (const row of rows) {
    const holes = row.map(() => "?").join(", ");
    database.prepare(`INSERT INTO ${quote(name)} VALUES (${holes})`).run(...row);
  }
}

export function rebuildDatabase(copy: DatabaseCopy): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA foreign_keys = OFF");
  for (const sql of copy.tables) database.exec(sql);
  for (const table of copy.content) {
    if (table.name === "sqlite_sequence") database.exec("DELETE FROM sqlite_sequence");
    fillTable(database, table);
  }
  for (const sql of copy.others) database.exec(sql);
  database.exec(`PRAGMA user_version = ${copy.userVersion}`);
  return database;
}
