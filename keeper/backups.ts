/**
 * Backups of a node that does not run, and restoring them.
 *
 * @module
 */
import { failure, usageError } from "../cli/command_error.ts";
import type { NodeKeeper } from "../cli/node_keeper.ts";
import { WorkerCryptoCore } from "../crypto/client.ts";
import { BACKUP_MAGIC } from "../crypto/interface.ts";
import { backUpNode, type BackupOptions } from "../peer/backup/backup_node.ts";
import { restoreNode } from "../peer/backup/restore.ts";
import { RESTORE_BROKE_OFF, RESTORING_FILE } from "../peer/data/data_state.ts";
import {
  createOpenDatabase,
  holdsFile,
  openFiles,
  systemClock,
  systemRandom,
} from "../ports/system.ts";
import { readFilePieces } from "../ports/system_file_pieces.ts";
import { LOCK_FILES } from "../ports/system_lock.ts";
import { explain, isEmptyData, lockData } from "./data_directory.ts";
import { portsOf, withCore, WRONG_PASSPHRASE } from "./node_keys.ts";

/** Makes a backup under a lock, which it lets go. */
export async function* backUpStopped(
  held: Disposable,
  options: BackupOptions & { readonly data: string },
): AsyncGenerator<Uint8Array> {
  using _lock = held;
  const crypto = await WorkerCryptoCore.start();
  try {
    yield* backUpNode(portsOf(options.data, crypto), options);
  } catch (cause) {
    throw explain(cause, options.data);
  } finally {
    await crypto.stop();
  }
}

async function assertEmpty(data: string): Promise<void> {
  if (await isEmptyData(data)) return;
  if (holdsFile(data, RESTORING_FILE)) throw failure(`--data: ${data}: ${RESTORE_BROKE_OFF}`);
  throw failure(`--data: ${data} is not empty`);
}

/** @throws {CommandError} Exit code 2 for what cannot be read, 1 for what is no backup. */
async function assertBackup(file: string): Promise<void> {
  const pieces = readFilePieces(file);
  const first = await pieces.next().catch((cause) => {
    throw usageError(`${file}: cannot read this file`, { cause });
  });
  await pieces.return(undefined);
  const begin = new TextDecoder().decode(first.value?.subarray(0, BACKUP_MAGIC.length));
  if (begin !== BACKUP_MAGIC) throw failure(`${file}: this is not a backup of openred-node`);
}

/** Empties a data directory that is half restored; the file that says so goes last. */
async function removeRestored(data: string): Promise<void> {
  const files = openFiles(data);
  for (const { name } of await files.list("")) {
    if (name !== RESTORING_FILE && !LOCK_FILES.includes(name)) await files.remove(name);
  }
  await files.remove(RESTORING_FILE);
}

/** Restores a backup into a directory that is empty or not there. The passphrase is wiped. */
export async function restore(
  options: { file: string; data: string; passphrase: Uint8Array },
): ReturnType<NodeKeeper["restore"]> {
  const { file, data, passphrase } = options;
  const input = () => readFilePieces(file);
  const held: { lock: Disposable | null; isBegun: boolean } = { lock: null, isBegun: false };
  const target = async () => {
    held.lock = lockData(data);
    // Proving the file takes its time: another program may have come meanwhile.
    await assertEmpty(data);
    held.isBegun = true;
    return { files: openFiles(data), openDatabase: createOpenDatabase(data) };
  };
  try {
    await assertEmpty(data);
    await assertBackup(file);
    const ports = { clock: systemClock, random: systemRandom };
    return await withCore(
      (crypto) => restoreNode({ ...ports, crypto }, { passphrase, input, target }),
      WRONG_PASSPHRASE,
    );
  } catch (cause) {
    // Why it broke off matters more than what could not be removed then: a later restore says that.
    if (held.isBegun) await removeRestored(data).catch(() => undefined);
    throw cause;
  } finally {
    passphrase.fill(0);
    held.lock?.[Symbol.dispose]();
  }
}
