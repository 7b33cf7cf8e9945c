import { DatabaseSync } from "node:sqlite";
import {
  createPrivateFile,
  FILE_MODE,
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

/**
 * Keeps every other process out of a data directory, until `release` or the end of this process,
 * however it ends. The lock is the operating system's, taken through SQLite: Deno 2.4 has no call
 * that tries a file lock without waiting for it.
 * @throws {DirectoryLockedError} If another process, or another call in this one, holds it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  prepareDirectory(directory);
  const path = pathInDirectory(directory, LOCK_NAME);
  const ownerPath = pathInDirectory(directory, OWNER_NAME);
  createPrivateFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!(error instanceof Error && error.message.includes("locked"))) throw error;
    throw new DirectoryLockedError(directory, readOwner(ownerPath));
  }
  Deno.writeTextFileSync(ownerPath, `${Deno.pid}\n`, { mode: FILE_MODE });
  let isHeld = true;
  return {
    release() {
      if (isHeld) database.close();
      isHeld = false;
    },
  };
}
