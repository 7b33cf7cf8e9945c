/**
 * What becomes of a database's write-ahead log where the thread that writes is not to wait for the disk: who makes it
 * durable, and who copies it into the file (SQLite's checkpoints).
 *
 * @module
 */

/** Pages after which SQLite copies by itself, in the thread that writes. */
export const OWN_CHECKPOINT_PAGES = 1_000;

/** Takes care of the log in other threads. */
export interface WriteAhead {
  /** Calls whenever copying begins or ceases to be done there, from now on. */
  follow(change: (isElsewhere: boolean) => void): void;
  /** Has copying begin there, for a database of which much is to be expected. */
  begin(): void;
  /** Notes that so many rows were written: enough of them have copying begin there as well. */
  written(rows: number): void;
  /** Makes durable what was committed before the call. @throws Where the disk does not take it. */
  sync(): Promise<void>;
  /** Ends it, before the database is closed. */
  stop(): Promise<void>;
}
