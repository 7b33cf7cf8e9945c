/**
 * Copies a database row by row, in slices between which others have their turn. `VACUUM INTO` and `ATTACH` are not to
 * be had: the runtime forbids every second file in one connection.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Clock } from "./ports.ts";

/** So long others wait for their turn. */
const SLICE_MS = 5;
/** What SQLite makes itself. */
const OWN_TABLES = /^sqlite_/;

/** So many rows are read at once. */
const PAGE_ROWS = 100;

type CopyClock = Pick<Clock, "monotonicMs" | "setTimer">;

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Fills an empty database, of which nothing is left after a crash, with all that is in another one.
 * @param source A connection within a transaction, so that all is of one moment.
 */
export async function copyDatabase(
  source: DatabaseSync,
  target: DatabaseSync,
  clock: CopyClock,
): Promise<void> {
  const rows = source.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    .all() as { type: string; name: string; sql: string }[];
  const own = rows.filter(({ name }) => !OWN_TABLES.test(name));
  const make = (isMeant: (type: string) => boolean) => {
    for (const { type, sql } of own) if (isMeant(type)) target.exec(sql);
  };
  const version = source.prepare("PRAGMA user_version").get()?.user_version;
  target.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
  make((type) => type === "table");
  // Filled with the rows: made afterwards, an index would take its time all at once.
  make((type) => type === "index");
  const tables = own.filter(({ type }) => type === "table").map(({ name }) => name);
  for (const name of tables) await copyTable({ source, target, clock }, name);
  if (rows.some(({ name }) => name === "sqlite_sequence")) {
    target.exec("DELETE FROM sqlite_sequence");
    await copyTable({ source, target, clock }, "sqlite_sequence");
  }
  make((type) => type !== "table" && type !== "index");
  target.exec(`PRAGMA user_version = ${Number(version ?? 0)}`);
}

/** The columns of a table, and those by which it is sorted. */
function readColumns(
  source: DatabaseSync,
  table: string,
): { columns: readonly string[]; key: readonly string[] } {
  const found = source.prepare("SELECT name, pk FROM pragma_table_info(?)").all(table)
    .map(({ name, pk }) => ({ name: String(name), place: Number(pk) }));
  const columns = found.map(({ name }) => name);
  const row = source.prepare("SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'").get(
    table,
  );
  if (Number(row?.wr) === 0) return { columns, key: ["rowid"] };
  const inKey = found.filter(({ place }) => place > 0).sort((a, b) => a.place - b.place);
  return { columns, key: inKey.map(({ name }) => name) };
}

/**
 * The rows of a table, page by page, each page read to its end: a statement that is left waiting between two rows does
 * not survive every version of the runtime.
 */
function* readPages(
  source: DatabaseSync,
  table: string,
): Generator<readonly (readonly SQLInputValue[])[]> {
  const { columns, key } = readColumns(source, table);
  const keys = key.map(quoted).join(", ");
  const selected = [...columns, ...key]
    .map((column, place) => `${quoted(column)} AS c${place}`).join(", ");
  const select = (where: string) => {
    const statement = source.prepare(
      `SELECT ${selected} FROM ${quoted(table)} ${where} ORDER BY ${keys} LIMIT ${PAGE_ROWS}`,
    );
    statement.setReadBigInts(true);
    return statement;
  };
  const next = select(`WHERE (${keys}) > (${key.map(() => "?").join(", ")})`);
  let rows = select("").all();
  while (rows.length > 0) {
    const values = rows.map((row) => Object.values(row) as SQLInputValue[]);
    yield values.map((row) => row.slice(0, columns.length));
    rows = next.all(...values.at(-1)!.slice(columns.length));
  }
}

async function copyTable(
  { source, target, clock }: { source: DatabaseSync; target: DatabaseSync; clock: CopyClock },
  name: string,
): Promise<void> {
  const { columns } = readColumns(source, name);
  const marks = columns.map(() => "?").join(", ");
  const insert = target.prepare(
    `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(", ")}) VALUES (${marks})`,
  );
  let sliceEndMs = clock.monotonicMs() + SLICE_MS;
  target.exec("BEGIN");
  for (const rows of readPages(source, name)) {
    for (const row of rows) insert.run(...row);
    if (clock.monotonicMs() < sliceEndMs) continue;
    target.exec("COMMIT");
    await new Promise<void>((resolve) => clock.setTimer(0, resolve));
    sliceEndMs = clock.monotonicMs() + SLICE_MS;
    target.exec("BEGIN");
  }
  target.exec("COMMIT");
}
