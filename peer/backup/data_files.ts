/**
 * The files of a data directory as they go into a backup.
 *
 * @module
 */
import { copyDatabase } from "../../ports/database_copy.ts";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { BEGIN_FILE, HEAD_FILE } from "../audit/audit_files.ts";
import { type NodeStore, storageFailed } from "../store/store.ts";
import { VAULT_FILE } from "../tokens/vault_file.ts";
import type { ArchiveFile } from "./archive.ts";
import {
  COPY_FILE,
  DATABASE_FILE,
  isOwned,
  NEEDED_FILES,
  removeCopy,
} from "../data/owned_files.ts";

/** What must not be newer than what comes after it: the end of the audit log before its lines. */
const FIRST = [BEGIN_FILE, HEAD_FILE, VAULT_FILE];

export interface BackupParts {
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly store: Pick<NodeStore, "openSnapshot">;
  readonly clock: Pick<Clock, "monotonicMs" | "setTimer">;
}

/**
 * All files that are the node's, the database first. Others are listed only when the head of the audit log was read:
 * its lines may be in a file that was begun meanwhile.
 * @throws {OpenRedError} `not_found` where a file is missing without which nothing could be restored, `forbidden` where
 *   one is a link, `overloaded` where the data directory has no room for a copy of the database.
 */
export async function* readDataFiles(parts: BackupParts): AsyncGenerator<ArchiveFile> {
  const { files } = parts;
  await assertWhole(files);
  yield { name: DATABASE_FILE, content: await copyOfDatabase(parts) };
  for (const name of FIRST) yield* readFile(files, name);
  for (const { name } of await files.list("")) {
    if (isOwned(name) && name !== DATABASE_FILE && !FIRST.includes(name)) {
      yield* readFile(files, name);
    }
  }
}

async function* readFile(files: Files, name: string): AsyncGenerator<ArchiveFile> {
  const content = await files.read(name);
  if (content !== null) yield { name, content };
}

async function assertWhole(files: Files): Promise<void> {
  const names = (await files.list("")).map(({ name }) => name);
  const missing = NEEDED_FILES.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new OpenRedError("not_found", `The data directory is without ${missing.join(", ")}`);
}

async function copyOfDatabase(parts: BackupParts): Promise<Uint8Array> {
  const { files } = parts;
  await removeCopy(files);
  try {
    await writeCopy(parts);
    const content = await files.read(COPY_FILE);
    if (content !== null) return content;
    throw new Error("The copy of the database is gone");
  } catch (cause) {
    throw storageFailed(cause);
  } finally {
    await removeCopy(files);
  }
}

async function writeCopy(parts: BackupParts): Promise<void> {
  using snapshot = closing(parts.store.openSnapshot());
  using copy = closing(parts.openDatabase(COPY_FILE));
  await copyDatabase(snapshot.database, copy.database, parts.clock);
}

function closing<T extends { close(): void }>(database: T): Disposable & { readonly database: T } {
  return { database, [Symbol.dispose]: () => database.close() };
}
