/**
 * The data directory of a node that does not run: whose it is, who may be in it, and what its errors mean.
 *
 * @module
 */
import { CommandError, failure } from "../cli/command_error.ts";
import { RESTORING_FILE } from "../peer/data/data_state.ts";
import { DATABASE_FILE, isOwned } from "../peer/data/owned_files.ts";
import { withStorageReason } from "../peer/store/store.ts";
import { explainStorage } from "../ports/storage_problem.ts";
import { DirectoryLockedError, holdsFile, lockDirectory } from "../ports/system.ts";
import { isEmptyDirectory, listDirectory } from "../ports/system_file_pieces.ts";
import { LOCK_NAME } from "../ports/system_lock.ts";
import { OpenRedError } from "../protocol/errors.ts";

/** What an openred-central keeps its entries in. */
const DIRECTORY_FILE = "directory.db";

/**
 * Does something on a data directory.
 * @throws {CommandError} Exit code 1 where its disk or its database refuses, with what helps; all else as it is.
 */
export async function explained<T>(data: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw explain(cause, data);
  }
}

/** The same error, or what the operator can do about it. */
export function explain(cause: unknown, data: string): unknown {
  if (cause instanceof OpenRedError) return withStorageReason(cause);
  if (cause instanceof CommandError) return cause;
  const repair = "restore a backup into an empty directory";
  const text = explainStorage(cause, { data, database: DATABASE_FILE, repair });
  return text === null ? cause : failure(text, { cause });
}

/** One identity is one running program. */
function refuseDirectoryData(data: string): void {
  if (!holdsFile(data, DIRECTORY_FILE)) return;
  throw failure(
    `--data: ${data} belongs to an openred-central; give the node a directory of its own`,
  );
}

/**
 * Keeps other processes out of a node's data directory.
 * @throws {CommandError} Exit code 1 where another one is in it, and where it belongs to a directory.
 */
export function lockData(data: string): Disposable {
  try {
    refuseDirectoryData(data);
    const held = lockDirectory(data);
    return { [Symbol.dispose]: () => held.release() };
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    if (cause instanceof DirectoryLockedError) {
      throw failure(`${cause.message}; stop the node first`, { cause });
    }
    const text = explainStorage(cause, { data, database: LOCK_NAME, repair: "remove it" }) ??
      (cause instanceof Error ? cause.message : "cannot be used");
    throw failure(`--data: ${text}`, { cause });
  }
}

/** @throws {CommandError} Exit code 1 where there is something else than a directory, or none that can be read. */
export async function isEmptyData(data: string): Promise<boolean> {
  try {
    return await isEmptyDirectory(data);
  } catch (cause) {
    throw failure(`--data: ${data} is no directory, or cannot be read`, { cause });
  }
}

/** @throws {CommandError} Exit code 1 where there is nothing of a node; nothing was changed or left there then. */
export async function refuseEmptyData(data: string, hint = ""): Promise<void> {
  if (!await isEmptyData(data)) {
    refuseDirectoryData(data);
    if ((await listDirectory(data)).some(isOfNode)) return;
  }
  throw failure(`--data: there is no node in ${data}${hint}`);
}

/** Other programs keep a `.env` too. */
function isOfNode(name: string): boolean {
  return name === RESTORING_FILE || isOwned(name) && !name.startsWith(".");
}

/** @returns `null` while another process has the directory. */
export function lockUnlessRunning(data: string): Disposable | null {
  try {
    return lockData(data);
  } catch (cause) {
    if (cause instanceof Error && cause.cause instanceof DirectoryLockedError) return null;
    throw cause;
  }
}
