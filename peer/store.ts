/**
 * The node's SQLite database: what it knows of itself, of peers and directories, and its messages.
 * Tokens are not here but in the vault; session keys are never on disk.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { GroupCommit } from "../ports/group_commit.ts";
import type { Clock, OpenDatabase } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS self (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS peers (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  next BLOB,
  known INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  succession TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS directories (
  url TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  record TEXT NOT NULL,
  next BLOB,
  taken_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL,
  text TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  UNIQUE (peer, id)
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (peer, number) WHERE delivered = 0;
`;

/** An open node database with its group commit and its prepared statements. */
export class NodeStore {
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #statements = new Map<string, StatementSync>();

  constructor(open: OpenDatabase, clock: Pick<Clock, "setTimer">) {
    this.#database = open("node.db");
    this.#database.exec(SCHEMA);
    this.#commit = new GroupCommit(this.#database, clock);
  }

  /** The prepared statement of an SQL text; prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /**
   * Runs writes inside the next durable transaction; resolves after it.
   * @throws {OpenRedError} `overloaded` if the database could not take them, such as when the disk is full.
   */
  async write(apply: () => void): Promise<void> {
    try {
      await this.#commit.write(apply);
    } catch (cause) {
      throw storageFailed(cause);
    }
  }

  /** A value of the table `self`, or `null`. */
  self(name: string): string | null {
    const row = this.statement("SELECT value FROM self WHERE name = ?").get(name);
    return row === undefined ? null : String(row.value);
  }

  setSelf(name: string, value: string): Promise<void> {
    return this.write(() => {
      this.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)").run(name, value);
    });
  }

  close(): void {
    this.#commit.flush();
    this.#statements.clear();
    this.#database.close();
  }
}

const RETRY_STORAGE_MS = 10_000;

/** What a caller hears when the data directory cannot be written: new work is refused, nothing is lost. */
export function storageFailed(cause: unknown): OpenRedError {
  return new OpenRedError("overloaded", "The node cannot write to its data directory now", {
    cause,
    retryAfterMs: RETRY_STORAGE_MS,
  });
}
