/**
 * The node's SQLite database: what it knows of itself, of peers and directories, and its messages.
 * Tokens are not here but in the vault; session keys are never on disk.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type CommitTiming, GroupCommit } from "../../ports/group_commit.ts";
import type { Clock, Log, OpenDatabase } from "../../ports/ports.ts";
import { storageReason } from "../../ports/storage_problem.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { migrate, step } from "./migrations.ts";
import type { Tally, WriteCount } from "./write_count.ts";

/** How much is overwritten in one transaction. */
const WIPE_BYTES = 4 * 2 ** 20;
/** The row of `self` that counts writes. */
const WRITES = "writes";
/** `AUTOINCREMENT` keeps the last number that each of its tables gave. */
const SEQUENCES = "SELECT name, seq FROM sqlite_sequence ORDER BY name";

/** An open node database with its group commit and its prepared statements. */
export class NodeStore {
  readonly #open: () => DatabaseSync;
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #statements = new Map<string, StatementSync>();
  #tellWrite: (cause: unknown) => void = () => {};
  #count: WriteCount | null = null;
  #isClosed = false;
  /** What the last transaction left; `null` until somebody asks. */
  #tally: Tally | null = null;
  #isInside = false;
  /** Rows of `self` that the next write takes along. */
  readonly #along = new Map<string, string>();

  constructor(open: OpenDatabase, clock: Pick<Clock, "setTimer">) {
    this.#open = () => open("node.db");
    this.#database = this.#open();
    migrate(this.#database);
    this.#commit = new GroupCommit(this.#database, clock);
  }

  /** The prepared statement of an SQL text; prepared once. @throws {OpenRedError} `overloaded` once it is closed. */
  statement(sql: string): StatementSync {
    this.#checkOpen();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Whether nothing waits to be written: what is read now is what counts. */
  get isIdle(): boolean {
    return this.#commit.isIdle;
  }

  /** Whether writes are being applied now: what is read meanwhile may be rolled back. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** Calls `tell` after every write: with what kept it from the disk, or `null`. */
  onWrite(tell: (cause: unknown) => void): void {
    this.#tellWrite = tell;
  }

  /** Tells how long each transaction takes from now on. */
  timeWith(timing: CommitTiming): void {
    this.#commit.timeWith(timing);
  }

  /** Writes that wait for the next transaction. */
  get waiting(): number {
    return this.#commit.waiting;
  }

  /** From now on every write is counted, before its caller hears of it. Only a running node counts. */
  countWith(count: WriteCount): void {
    this.#count = count;
    this.#commit.closeWith((writes) => this.#countWrites(writes));
  }

  /** How much was counted of what the database holds. */
  tally(): Tally {
    const rows = this.statement(SEQUENCES).all();
    return {
      writes: Number(this.self(WRITES) ?? 0),
      rows: Object.fromEntries(rows.map(({ name, seq }) => [String(name), Number(seq)])),
    };
  }

  /** Has counting begin anew, for a database that comes without the file of its count. */
  uncount(): Promise<void> {
    return this.setSelf(WRITES, "0");
  }

  /** Inside a transaction: goes on from a tally, so that no number is given a second time. */
  writeTally(tally: Tally): void {
    const put = this.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)");
    put.run(WRITES, String(tally.writes));
    const raise = this.statement("UPDATE sqlite_sequence SET seq = ? WHERE name = ? AND seq < ?");
    const begin = this.statement(
      "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? " +
        "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
    );
    for (const [table, seq] of Object.entries(tally.rows)) {
      raise.run(seq, table, seq);
      begin.run(table, seq, table);
    }
  }

  /**
   * Runs writes inside the next durable transaction; resolves after it.
   * @throws {OpenRedError} What `apply` refuses with one, and then nothing of it is written; `overloaded` if the
   *   database could not take them, such as when the disk is full.
   */
  async write(apply: () => void): Promise<void> {
    this.#checkOpen();
    const along = [...this.#along];
    try {
      await this.#commit.write(() => {
        this.#inside(apply);
        for (const [name, value] of along) this.#putSelf(name, value);
      });
    } catch (cause) {
      if (cause instanceof OpenRedError) throw cause;
      this.#tellWrite(cause);
      throw storageFailed(cause);
    }
    this.#tellWrite(null);
    for (const [name, value] of along) {
      if (this.#along.get(name) === value) this.#along.delete(name);
    }
    // Outside of every transaction, so that it is on disk: what this one left, or a later one.
    await this.#count?.note(this.#tally ??= this.tally());
  }

  #inside(apply: () => void): void {
    this.#isInside = true;
    try {
      apply();
    } finally {
      this.#isInside = false;
    }
  }

  /** Counts the writes of a transaction at its end. */
  #countWrites(writes: number): void {
    this.statement(
      `INSERT INTO self (name, value) VALUES ('${WRITES}', ?)
        ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER)`,
    ).run(String(writes));
    this.#tally = null;
  }

  /** Runs SQL in a transaction of its own, at once. @throws The database's error; then nothing of it is there. */
  step(sql: string): void {
    this.#commit.flush();
    step(this.#database, sql);
  }

  /**
   * Overwrites what was deleted before, in the database file and in its log. `VACUUM` would do it, and is refused by the
   * runtime unless all permissions are granted; so the free pages are used once, for zeros.
   * @throws {OpenRedError} `overloaded` where it could not be finished; it can be tried again.
   */
  async wipe(): Promise<void> {
    const { freelist_count } = this.#database.prepare("PRAGMA freelist_count").get()!;
    const { page_size } = this.#database.prepare("PRAGMA page_size").get()!;
    let bytes = Number(freelist_count) * Number(page_size);
    // One that was killed in here has left the table.
    await this.write(() => {
      this.#database.exec("CREATE TABLE IF NOT EXISTS wiped (zeros BLOB NOT NULL) STRICT");
    });
    while (bytes > 0) {
      const length = Math.min(bytes, WIPE_BYTES);
      await this.write(() => {
        this.#database.prepare("INSERT INTO wiped (zeros) VALUES (zeroblob(?))").run(length);
      });
      bytes -= length;
    }
    await this.write(() => this.#database.exec("DROP TABLE wiped"));
    // It waits for whoever reads an earlier moment, such as a backup, and gives up after a while.
    const { busy } = this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()!;
    if (busy !== 0) throw storageFailed(new Error("Somebody reads an earlier state of node.db"));
  }

  /** A value of the table `self`, or `null`. */
  self(name: string): string | null {
    const row = this.statement("SELECT value FROM self WHERE name = ?").get(name);
    return row === undefined ? null : String(row.value);
  }

  setSelf(name: string, value: string): Promise<void> {
    return this.write(() => this.#putSelf(name, value));
  }

  /** As {@linkcode setSelf}, with whatever is written next: a crash before that, or a failure of it, may lose it. */
  setSelfAlong(name: string, value: string): void {
    this.#along.set(name, value);
  }

  #putSelf(name: string, value: string): void {
    this.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)").run(name, value);
  }

  /**
   * Another connection, which sees all of this moment, with what waits to be written, and nothing of what is written
   * later. It is the caller's to close.
   */
  openSnapshot(): DatabaseSync {
    this.#checkOpen();
    this.#commit.flush();
    const snapshot = this.#open();
    // A transaction sees the moment of its first reading.
    snapshot.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
    return snapshot;
  }

  close(): void {
    this.#commit.flush();
    // Those whose writes are on disk hear of it afterwards.
    if (this.#count !== null) this.#tally ??= this.tally();
    this.#isClosed = true;
    this.#statements.clear();
    this.#database.close();
  }

  /** Whatever a stopped node still had under way is refused like any other work it has no room for. */
  #checkOpen(): void {
    if (this.#isClosed) throw new OpenRedError("overloaded", "The node has stopped");
  }
}

const RETRY_STORAGE_MS = 10_000;
const STORAGE_FAILED = "The node cannot write to its data directory now";

/** What a caller hears when the data directory cannot be written: new work is refused, nothing is lost. */
export function storageFailed(cause: unknown): OpenRedError {
  return new OpenRedError("overloaded", STORAGE_FAILED, { cause, retryAfterMs: RETRY_STORAGE_MS });
}

/** The same error for the node's owner, who may know why the data directory cannot be written. */
export function withStorageReason(error: OpenRedError): OpenRedError {
  if (error.message !== STORAGE_FAILED) return error;
  return new OpenRedError(error.code, `${STORAGE_FAILED}: ${storageReason(rootOf(error))}`, {
    cause: error,
    retryAfterMs: RETRY_STORAGE_MS,
  });
}

function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof OpenRedError && root.cause !== undefined) root = root.cause;
  return root;
}

/** Tells the operator why the data directory cannot be written. Shedding load has no cause and is not logged. */
export function logStorageFailure(log: Log, error: OpenRedError): void {
  if (!(error.cause instanceof Error)) return;
  log.log("error", "storage_failed", { why: error.cause.message });
}
