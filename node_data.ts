/**
 * Composition of what the commands do with the data directory of a node that does not run.
 *
 * @module
 */
import { failure } from "./cli/command_error.ts";
import type { KeyOptions, NodeKeeper } from "./cli/node_keeper.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import type { NodeId } from "./crypto/encoding.ts";
import { CryptoError } from "./crypto/interface.ts";
import { backUpNode } from "./peer/backup/backup_node.ts";
import { foreignNames } from "./peer/backup/owned_files.ts";
import { restoreNode } from "./peer/backup/restore.ts";
import { initNode } from "./peer/succession/init.ts";
import { type DataPorts, succeedNode } from "./peer/succession/succeed.ts";
import { readNodeSecret, SECRET_FILE } from "./ports/node_secret.ts";
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

/** What an openred-central keeps its entries in. */
const DIRECTORY_FILE = "directory.db";

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
  refuseDirectoryData(data);
  try {
    const held = lockDirectory(data);
    return { [Symbol.dispose]: () => held.release() };
  } catch (cause) {
    if (cause instanceof DirectoryLockedError) {
      throw failure(`${cause.message}; stop the node first`, { cause });
    }
    throw failure(`--data: ${cause instanceof Error ? cause.message : "cannot be used"}`, {
      cause,
    });
  }
}

/** @throws {CommandError} Exit code 1 where there is something else than a directory, or none that can be read. */
export async function isEmptyData(data: string): Promise<boolean> {
  try {
    return await isEmptyDirectory(data);
  } catch (cause) {
    throw failure("--data: this is no directory, or cannot be read", { cause });
  }
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
  using _lock = lockData(options.data);
  const stored = await readNodeSecret(openFiles(options.data));
  if (stored?.kind === "plain") stored.secret.fill(0);
  const passphrase = stored?.kind === "sealed"
    ? await options.askPassphrase()
    : await options.askNewPassphrase?.();
  return await withCore(
    (crypto) => work(portsOf(options.data, crypto), passphrase),
    stored?.kind === "plain" ? WRONG_SECRET : WRONG_PASSPHRASE,
  );
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
  } finally {
    await crypto.stop();
  }
}

async function assertEmpty(data: string): Promise<void> {
  if (!await isEmptyData(data)) throw failure("--data: this directory is not empty");
}

async function restore(
  options: { file: string; data: string; passphrase: Uint8Array },
): ReturnType<NodeKeeper["restore"]> {
  const { file, data, passphrase } = options;
  await assertEmpty(data);
  const input = () => readFilePieces(file);
  await input().next().catch((cause) => {
    throw failure(`${file}: cannot read this file`, { cause });
  });
  const held: { lock: Disposable | null } = { lock: null };
  const target = async () => {
    held.lock = lockData(data);
    // Proving the file takes its time: another program may have come meanwhile.
    await assertEmpty(data);
    return { files: openFiles(data), openDatabase: createOpenDatabase(data) };
  };
  try {
    return await withCore(
      (crypto) => restoreNode({ crypto, clock: systemClock }, { passphrase, input, target }),
      WRONG_PASSPHRASE,
    );
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
      if (from === null && await isEmptyData(data)) {
        throw failure("--data: there is no node there; if its data is lost, say --from ID");
      }
      return await onKeys(
        options,
        (ports, passphrase) => succeedNode(ports, { phrase, passphrase, show, from }),
      );
    },
    backUp: async ({ data, file, passphrase }) => {
      try {
        if (await isEmptyData(data)) throw failure("--data: there is no node there");
        refuseDirectoryData(data);
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
    restore,
  };
}
