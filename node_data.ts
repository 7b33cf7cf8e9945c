/**
 * Composition of what the commands do with the data directory of a node that does not run.
 *
 * @module
 */
import { CommandError, failure, usageError } from "./cli/command_error.ts";
import type { KeyOptions, NodeKeeper } from "./cli/node_keeper.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import type { NodeId } from "./crypto/encoding.ts";
import { BACKUP_MAGIC, CryptoError } from "./crypto/interface.ts";
import { backUpNode } from "./peer/backup/backup_node.ts";
import { DATABASE_FILE, foreignNames, isOwned } from "./peer/data/owned_files.ts";
import { restoreNode } from "./peer/backup/restore.ts";
import { RESTORE_BROKE_OFF, RESTORING_FILE } from "./peer/data/data_state.ts";
import { withStorageReason } from "./peer/store/store.ts";
import { initNode } from "./peer/data/init.ts";
import { renewNoiseKey } from "./peer/data/renew_noise_key.ts";
import { type DataPorts, succeedNode } from "./peer/data/succeed.ts";
import { readNodeSecret, SECRET_FILE } from "./ports/node_secret.ts";
import { explainStorage } from "./ports/storage_problem.ts";
import {
  createOpenDatabase,
  DirectoryLockedError,
  holdsFile,
  lockDirectory,
  openFiles,
  systemClock,
  systemRandom,
} from "./ports/system.ts";
import {
  isEmptyDirectory,
  isInside,
  listDirectory,
  readFilePieces,
} from "./ports/system_file_pieces.ts";
import { LOCK_FILES, LOCK_NAME } from "./ports/system_lock.ts";
import { OpenRedError } from "./protocol/errors.ts";

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

function explain(cause: unknown, data: string): unknown {
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

const WRONG_PASSPHRASE = "The passphrase is wrong, or the file is damaged; nothing was changed";
const WRONG_SECRET =
  `The keys do not open: keystore or ${SECRET_FILE} is damaged, or they are of two nodes; nothing was changed`;

async function withCore<T>(
  work: (crypto: WorkerCryptoCore) => Promise<T>,
  refusal: string,
): Promise<T> {
  const crypto = await WorkerCryptoCore.start();
  try {
    return await work(crypto);
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
    throw failure(refusal, { cause });
  } finally {
    await crypto.stop();
  }
}

function portsOf(data: string, crypto: WorkerCryptoCore): DataPorts {
  return {
    crypto,
    clock: systemClock,
    random: systemRandom,
    files: openFiles(data),
    openDatabase: createOpenDatabase(data),
  };
}

/** Holds the lock and a core while a node's keys are worked on. */
async function onKeys(
  options: Pick<KeyOptions, "data" | "askPassphrase" | "askNewPassphrase">,
  work: (ports: DataPorts, passphrase: Uint8Array | undefined) => Promise<string>,
): Promise<string> {
  const { data } = options;
  using _lock = lockData(data);
  return await explained(data, async () => {
    const stored = await readNodeSecret(openFiles(data));
    if (stored?.kind === "plain") stored.secret.fill(0);
    const passphrase = stored?.kind === "sealed"
      ? await options.askPassphrase()
      : await options.askNewPassphrase?.();
    return await withCore(
      (crypto) => work(portsOf(data, crypto), passphrase),
      stored?.kind === "plain" ? WRONG_SECRET : WRONG_PASSPHRASE,
    );
  });
}

/** @returns `null` while another process has the directory. */
function lockUnlessRunning(data: string): Disposable | null {
  try {
    return lockData(data);
  } catch (cause) {
    if (cause instanceof Error && cause.cause instanceof DirectoryLockedError) return null;
    throw cause;
  }
}

async function* backUpStopped(
  held: Disposable,
  options: { data: string; passphrase: Uint8Array; version: string },
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

async function restore(
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

/** The keeper of the real data directories. */
export function createNodeKeeper(version: string): NodeKeeper {
  return {
    init: (options) =>
      onKeys(options, (ports, passphrase) => initNode(ports, { show: options.show, passphrase })),
    succeed: async (options) => {
      const { data, phrase, show } = options;
      const from = options.from as NodeId | null;
      if (from === null) await refuseEmptyData(data, "; if its data is lost, say --from ID");
      return await onKeys(
        options,
        (ports, passphrase) => succeedNode(ports, { phrase, passphrase, show, from }),
      );
    },
    renewNoiseKey: async (options) => {
      await refuseEmptyData(options.data);
      return await onKeys(
        { ...options, askNewPassphrase: null },
        (ports, passphrase) => renewNoiseKey(ports, { passphrase }),
      );
    },
    backUp: async ({ data, file, passphrase }) => {
      try {
        await refuseEmptyData(data);
        if (file !== null && await isInside(file, data)) {
          throw failure(`${file}: this is in the data directory; write the backup elsewhere`);
        }
        const leftOut = foreignNames(await listDirectory(data));
        const held = lockUnlessRunning(data);
        if (held === null) {
          passphrase.fill(0);
          return { leftOut, pieces: null };
        }
        return { leftOut, pieces: backUpStopped(held, { data, passphrase, version }) };
      } catch (cause) {
        passphrase.fill(0);
        throw cause;
      }
    },
    restore: (options) => explained(options.data, () => restore(options)),
  };
}
