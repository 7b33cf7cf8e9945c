/**
 * The thread that copies what a database has written ahead into its file. It may use these files and nothing else.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { DatabaseSync } from "node:sqlite";
import { ThreadCalls } from "./thread_calls.ts";

/** Between two copies while something is written. */
const EVERY_MS = 1_000;
/** After so long without a write, the file of what was written ahead gives its disk space back. */
const QUIET_MS = 10_000;
/** What is written without a pause is never copied to its end; after so many pages, writes wait for that. */
const MAX_PAGES = 32_768;
/** Whoever reads an earlier state, such as a backup, is waited for no longer: writes wait as well. */
const BUSY_TIMEOUT_MS = 500;

/** What the thread may be asked. */
export type CheckpointCalls = {
  readonly open: (path: string) => void;
  readonly written: () => void;
  readonly close: () => void;
};

let database: DatabaseSync | null = null;
let timer: ReturnType<typeof setTimeout> | null = null;
let writtenMs = 0;
let maxPages = MAX_PAGES;

/** @returns Pages written ahead, those that were copied included, and whether somebody was in the way. */
function copy(mode: "PASSIVE" | "RESTART" | "TRUNCATE"): { pages: number; isHeld: boolean } {
  const { busy, log } = database!.prepare(`PRAGMA wal_checkpoint(${mode})`).get()!;
  return { pages: Number(log), isHeld: busy !== 0 };
}

function step(): void {
  if (performance.now() - writtenMs > QUIET_MS) {
    timer = null;
    copy("TRUNCATE");
    return;
  }
  const { pages } = copy("PASSIVE");
  if (pages > maxPages) {
    // The last one has little left to copy, and that alone is what writes wait for.
    copy("PASSIVE");
    const { isHeld } = copy("RESTART");
    maxPages = isHeld ? pages + MAX_PAGES : MAX_PAGES;
  }
  timer = setTimeout(step, EVERY_MS);
}

new ThreadCalls<Record<string, never>>(
  self,
  {
    open: (path) => {
      database = new DatabaseSync(path);
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA synchronous = FULL`);
    },
    written: () => {
      writtenMs = performance.now();
      timer ??= setTimeout(step, EVERY_MS);
    },
    close: () => {
      if (timer !== null) clearTimeout(timer);
      database?.close();
    },
  } satisfies CheckpointCalls,
);
