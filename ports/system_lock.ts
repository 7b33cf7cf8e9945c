import { DatabaseSync } from "node:sqlite";
import { DATABASE_FILES } from "./data_names.ts";
import {
  closeFiles,
  createPrivateFile,
  FILE_MODE,
  holdsFile,
  pathInDirectory,
  prepareDirectory,
} from "./system_data_directory.ts";

/** The database whose lock keeps others out. */
export const LOCK_NAME = "lock.sqlite";
const OWNER_NAME = "lock.pid";
/** What {@linkcode lockDirectory} leaves in a directory. */
export const LOCK_FILES: readonly string[] = [LOCK_NAME, `${LOCK_NAME}-journal`, OWNER_NAME];

/** Another process uses the data directory. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
  /** The other process, where it could be read. */
  readonly pid: number | null;

  constructor(directory: string, pid: number | null) {
    const owner = pid === null ? "another process" : `process ${pid}`;
    super(`Cannot use the data directory ${directory}: ${owner} is using it`);
    this.pid = pid;
  }
}

/** A data directory that no other process can use. */
export interface DirectoryLock {
  /** Lets other processes use it. Once is enough, more does no harm. */
  release(): void;
}

function readOwner(path: string): number | null {
  try {
    const pid = Number(Deno.readTextFileSync(path));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Runs statements of which another process's lock is the only failure that matters here. */
function isLocked(database: DatabaseSync, sql: string): boolean {
  try {
    database.exec(sql);
    return false;
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("locked"))) throw error;
    return true;
  }
}

/**
 * Whether another process has a database of the directory open: it has been in there since before somebody removed the
 * file of its lock. A database that does not open is left for its user to explain.
 */
function isDatabaseOpen(directory: string): boolean {
  return DATABASE_FILES.some((name) => {
    if (!holdsFile(directory, name)) return false;
    let database: DatabaseSync | null = null;
    try {
      database = new DatabaseSync(pathInDirectory(directory, name));
      // In this mode reading asks for the lock of the whole database, which nobody gets while it is open elsewhere.
      return isLocked(
        database,
        "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; SELECT count(*) FROM sqlite_schema",
      );
    } catch {
      return false;
    } finally {
      database?.close();
    }
  });
}

/**
 * Keeps every other process out of a data directory, until `release` or the end of this process,
 * however it ends. The lock is the operating system's, taken through SQLite: Deno 2.4 has no call
 * that tries a file lock without waiting for it. Before that, access of others is taken away from the files there.
 * @throws {DirectoryLockedError} If another process, or another call in this one, holds it.
 * @throws {OpenRedError} `forbidden` for a folder that others use, and where a file of these programs is a link.
 */
export function lockDirectory(directory: string): DirectoryLock {
  prepareDirectory(directory);
  closeFiles(directory);
  const path = pathInDirectory(directory, LOCK_NAME);
  const ownerPath = pathInDirectory(directory, OWNER_NAME);
  createPrivateFile(path);
  const database = new DatabaseSync(path);
  try {
    if (
      isLocked(database, "PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE") || isDatabaseOpen(directory)
    ) throw new DirectoryLockedError(directory, readOwner(ownerPath));
    Deno.writeTextFileSync(ownerPath, `${Deno.pid}\n`, { mode: FILE_MODE });
  } catch (error) {
    database.close();
    throw error;
  }
  let isHeld = true;
  return {
    release() {
      if (isHeld) database.close();
      isHeld = false;
    },
  };
}
