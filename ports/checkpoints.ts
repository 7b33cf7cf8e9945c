/**
 * Who copies what a database has written ahead into its file (SQLite's checkpoints), where the thread that writes is not to
 * wait for that.
 *
 * @module
 */

/** Pages after which SQLite does it by itself, in the thread that writes. */
export const OWN_CHECKPOINT_PAGES = 1_000;

/** Copies in another thread. */
export interface Checkpoints {
  /** Calls whenever it begins or ceases to be done there, from now on. */
  follow(change: (isElsewhere: boolean) => void): void;
  /** Notes that so many rows were written. */
  written(rows: number): void;
  /** Ends it, before the database is closed. */
  stop(): Promise<void>;
}
