/**
 * The files of a data directory as they go into a backup.
 *
 * @module
 */
import type { Files, OpenDatabase } from "../../ports/ports.ts";
import { BEGIN_FILE, HEAD_FILE } from "../audit/audit_files.ts";
import type { NodeStore } from "../store.ts";
import { VAULT_FILE } from "../tokens/vault_file.ts";
import type { ArchiveFile } from "./archive.ts";

export const DATABASE_FILE = "node.db";
const COPY_FILE = "backup.db";
/** What belongs to a running process, and every database with its side files: these are copied in their own way. */
const LEFT_OUT = /^(lock\.|admin\.json$|restoring$)|\.tmp$|\.db(-wal|-shm|-journal)?$/;
/** What must not be newer than what comes after it: the end of the audit log before its lines. */
const FIRST = [BEGIN_FILE, HEAD_FILE, VAULT_FILE];

export interface BackupParts {
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly store: Pick<NodeStore, "copyInto">;
}

/** All files, the database first: it is copied within one turn of the event loop. */
export async function* readDataFiles(parts: BackupParts): AsyncGenerator<ArchiveFile> {
  yield { name: DATABASE_FILE, content: await copyOfDatabase(parts) };
  const names = (await parts.files.list("")).map(({ name }) => name);
  const others = names.filter((name) => !FIRST.includes(name) && !LEFT_OUT.test(name));
  for (const name of [...FIRST.filter((first) => names.includes(first)), ...others]) {
    const content = await parts.files.read(name);
    if (content !== null) yield { name, content };
  }
}

async function copyOfDatabase({ files, openDatabase, store }: BackupParts): Promise<Uint8Array> {
  const remove = async () => {
    for (const end of ["", "-wal", "-shm", "-journal"]) await files.remove(COPY_FILE + end);
  };
  await remove();
  try {
    const copy = openDatabase(COPY_FILE);
    try {
      store.copyInto(copy);
    } finally {
      copy.close();
    }
    return await files.read(COPY_FILE) ?? new Uint8Array();
  } finally {
    await remove();
  }
}
