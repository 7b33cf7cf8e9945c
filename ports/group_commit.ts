/**
 * Many small writes, one durable transaction: whatever is asked for within one turn of the event loop is committed
 * together, and each caller hears of it after the commit.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
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
}

/** Who is told how long each transaction took. */
export interface CommitTiming {
  /** Milliseconds since some fixed point. */
  readonly now: () => number;
  readonly observe: (ms: number) => void;
}

/** Runs writes on one SQLite database in groups. */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #isRepeatable: boolean;
  #closing: (writes: number) => void = () => {};
  #timing: CommitTiming | null = null;
  #waiting: Waiting[] = [];

  constructor(
    database: DatabaseSync,
    clock: Pick<Clock, "setTimer">,
    options: GroupCommitOptions = { isRepeatable: false },
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#isRepeatable = options.isRepeatable;
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

  /**
   * Runs `apply` at once, in a transaction that waits for no disk: it is durable with the next group, and a loss of power
   * before undoes it. For databases in WAL mode, which stay whole.
   * @returns What `apply` returned.
   * @throws What `apply` threw, or the database's error; then nothing of it is stored.
   */
  writeUnsynced<T>(apply: () => T): T {
    this.#database.exec("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
    try {
      const result = apply();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#database.exec("PRAGMA synchronous = FULL");
    }
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
    if (timing === null) return this.#commitGroup(group);
    const startedMs = timing.now();
    this.#commitGroup(group);
    timing.observe(timing.now() - startedMs);
  }

  #commitGroup(group: readonly Waiting[]): void {
    if (this.#isRepeatable && this.#commitAtOnce(group)) return;
    const failures = new Map<Waiting, unknown>();
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const waiting of group) this.#applyOne(waiting, failures);
      if (failures.size < group.length) this.#closing(group.length - failures.size);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      for (const waiting of group) waiting.reject(failures.get(waiting) ?? error);
      return;
    }
    for (const waiting of group) {
      if (failures.has(waiting)) waiting.reject(failures.get(waiting));
      else waiting.resolve();
    }
  }

  /** @returns Whether all of it is on disk; otherwise nothing is. */
  #commitAtOnce(group: readonly Waiting[]): boolean {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { apply } of group) apply();
      this.#closing(group.length);
      this.#database.exec("COMMIT");
    } catch {
      this.#rollBack();
      return false;
    }
    for (const { resolve } of group) resolve();
    return true;
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
