/**
 * Which committed transactions of a database in WAL mode are on disk, where that is waited for in other threads.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";

interface DurabilityParts {
  readonly database: DatabaseSync;
  /** Makes durable what was committed before the call. */
  readonly sync: () => Promise<void>;
}

/** Transactions are counted from 1 on. */
export class Durability {
  readonly #parts: DurabilityParts;
  #committed = 0;
  #durable = 0;
  #underWay: Promise<void> | null = null;
  /** The last transaction that what is under way is for. */
  #awaited = 0;
  #next: Promise<void> | null = null;
  /** Why nobody knows what of the log is on disk; `null` while that is known. */
  #doubt: { readonly cause: unknown } | null = null;

  constructor(parts: DurabilityParts) {
    this.#parts = parts;
  }

  /** The number of the last transaction that was committed. */
  get committed(): number {
    return this.#committed;
  }

  /** All transactions up to this one are on disk. */
  get durable(): number {
    return this.#durable;
  }

  /** Counts a transaction. @returns As {@linkcode reached}. */
  add(): Promise<void> {
    this.#committed += 1;
    return this.reached();
  }

  /**
   * Resolves once all that was committed until now is on disk. What was committed while the disk is being waited for
   * shares the next time.
   * @throws Why it is not; it may be seen nevertheless until the program ends.
   */
  reached(): Promise<void> {
    if (this.#durable === this.#committed) return Promise.resolve();
    if (this.#underWay === null) return this.#begin();
    if (this.#awaited === this.#committed) return this.#underWay;
    return this.#next ??= this.#underWay.catch(() => {}).then(() => {
      this.#next = null;
      return this.reached();
    });
  }

  /**
   * Has to be called before a transaction. After a sync that failed the system may take for written what it has lost, so
   * that a further one would prove nothing: all of the log is copied into the database, and begun anew.
   * @throws Where that fails as well.
   */
  mend(): void {
    if (this.#doubt === null) return;
    const { busy } = this.#parts.database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()!;
    if (busy !== 0) throw this.#doubt.cause;
    this.#doubt = null;
    this.#durable = this.#committed;
  }

  #begin(): Promise<void> {
    this.#awaited = this.#committed;
    const begun = this.#reach().finally(() => this.#underWay = null);
    this.#underWay = begun;
    return begun;
  }

  async #reach(): Promise<void> {
    if (this.#doubt !== null) throw this.#doubt.cause;
    const awaited = this.#awaited;
    try {
      await this.#parts.sync();
      this.#durable = awaited;
    } catch (cause) {
      this.#doubt = { cause };
      this.mend();
    }
  }
}
