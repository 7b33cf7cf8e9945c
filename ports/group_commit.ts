/**
 * Many small writes, one durable transaction: whatever is asked for within one turn of the event loop is committed
 * together, and each caller hears of it after the commit.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { Durability } from "./durability.ts";
import type { Clock } from "./ports.ts";

interface Waiting {
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  /**
   * Whether a write may run twice, what it did undone in between. Then a group goes without the means to undo one write
   * alone, which cost more than most writes; where one fails, it begins again with them.
   */
  readonly isRepeatable: boolean;
  /**
   * Makes durable what was committed before the call, while others have their turn: the database, which is in WAL mode,
   * syncs no transaction itself then. Nor is a lock of another connection waited for otherwise.
   */
  readonly sync?: () => Promise<void>;
}

/** Who is told how long each transaction took until it was on disk. */
export interface CommitTiming {
  /** Milliseconds since some fixed point. */
  readonly now: () => number;
  readonly observe: (ms: number) => void;
}

/** What SQLite says where another connection has the lock. */
const LOCKED = /database is locked/;
/** How soon a group that found the database locked is tried again, and how often. */
const LOCKED_RETRY_MS = 20;
const LOCKED_RETRIES = 250;

/** Runs writes on one SQLite database in groups. */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #isRepeatable: boolean;
  readonly #durability: Durability | null;
  #closing: (writes: number) => void = () => {};
  #timing: CommitTiming | null = null;
  #waiting: Waiting[] = [];
  /** Transactions in succession that found the database locked. */
  #locked = 0;

  constructor(
    database: DatabaseSync,
    clock: Pick<Clock, "setTimer">,
    options: GroupCommitOptions = { isRepeatable: false },
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#isRepeatable = options.isRepeatable;
    const { sync } = options;
    this.#durability = sync === undefined ? null : new Durability({ database, sync });
    if (sync !== undefined) database.exec("PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 0");
  }

  /** Calls `closing` last in each transaction, with the number of its writes. What it throws fails them all. */
  closeWith(closing: (writes: number) => void): void {
    this.#closing = closing;
  }

  /** Tells how long each transaction takes from now on. */
  timeWith(timing: CommitTiming): void {
    this.#timing = timing;
  }

  /** Writes that wait for the next transaction. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Runs `apply` inside the next transaction.
   * @returns Resolves once that transaction is on disk.
   * @throws What `apply` threw, or the database's error; then nothing of that call is stored.
   */
  write(apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ apply, resolve, reject });
      if (this.#waiting.length === 1) this.#clock.setTimer(0, () => this.flush());
    });
  }

  /** The number of the transaction that writes are being applied in, or of the next one. */
  get current(): number {
    return (this.#durability?.committed ?? 0) + 1;
  }

  /** Whether the transaction of that number is on disk, if it is committed. */
  isDurable(number: number): boolean {
    return this.#durability === null || number <= this.#durability.durable;
  }

  /** Resolves once all that was committed until now is on disk. @throws Why it is not. */
  durable(): Promise<void> {
    return this.#durability?.reached() ?? Promise.resolve();
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Commits what waits, at once. */
  flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    const timing = this.#timing;
    const startedMs = timing?.now() ?? 0;
    const committed = this.#commitGroup(group);
    if (committed.length === 0) return;
    this.#locked = 0;
    const done = () => {
      timing?.observe(timing.now() - startedMs);
      for (const { resolve } of committed) resolve();
    };
    if (this.#durability === null) return done();
    this.#durability.add().then(done, (error) => {
      for (const { reject } of committed) reject(error);
    });
  }

  /** @returns Those whose writes are committed; of the others, each has failed or waits for the next transaction. */
  #commitGroup(group: readonly Waiting[]): readonly Waiting[] {
    if (this.#isRepeatable && this.#commitAtOnce(group)) return group;
    const failures = new Map<Waiting, unknown>();
    try {
      this.#begin();
      for (const waiting of group) this.#applyOne(waiting, failures);
      if (failures.size < group.length) this.#closing(group.length - failures.size);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      if (this.#isPostponed(error)) {
        this.#waiting.unshift(...group);
        this.#clock.setTimer(LOCKED_RETRY_MS, () => this.flush());
        return [];
      }
      for (const waiting of group) waiting.reject(failures.get(waiting) ?? error);
      return [];
    }
    for (const [waiting, error] of failures) waiting.reject(error);
    return group.filter((waiting) => !failures.has(waiting));
  }

  /** @returns Whether all of it is committed; otherwise nothing is. */
  #commitAtOnce(group: readonly Waiting[]): boolean {
    try {
      this.#begin();
      for (const { apply } of group) apply();
      this.#closing(group.length);
      this.#database.exec("COMMIT");
    } catch {
      this.#rollBack();
      return false;
    }
    return true;
  }

  #begin(): void {
    this.#durability?.mend();
    this.#database.exec("BEGIN IMMEDIATE");
  }

  #isPostponed(error: unknown): boolean {
    if (this.#durability === null || !(error instanceof Error)) return false;
    return LOCKED.test(error.message) && this.#locked++ < LOCKED_RETRIES;
  }

  #applyOne(waiting: Waiting, failures: Map<Waiting, unknown>): void {
    this.#database.exec("SAVEPOINT one");
    try {
      waiting.apply();
    } catch (error) {
      failures.set(waiting, error);
      this.#database.exec("ROLLBACK TO one");
    }
    this.#database.exec("RELEASE one");
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }
}
