/**
 * Composition of what the commands do with the data directory of a node that does not run.
 *
 * @module
 */
import { failure } from "./cli/command_error.ts";
import type { NodeKeeper } from "./cli/node_keeper.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import type { NodeId } from "./crypto/encoding.ts";
import { CryptoError } from "./crypto/interface.ts";
import { backUpNode } from "./peer/backup/backup_node.ts";
import { restoreNode } from "./peer/backup/restore.ts";
import { initNode } from "./peer/succession/init.ts";
import { type DataPorts, succeedNode } from "./peer/succession/succeed.ts";
import { readNodeSecret } from "./ports/node_secret.ts";
import {
  createOpenDatabase,
  DirectoryLockedError,
  lockDirectory,
  openFiles,
  systemClock,
  systemRandom,
} from "./ports/system.ts";
import { isEmptyDirectory, readFilePieces } from "./ports/system_file_pieces.ts";

function lock(data: string): Disposable {
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

async function withCore<T>(work: (crypto: WorkerCryptoCore) => Promise<T>): Promise<T> {
  const crypto = await WorkerCryptoCore.start();
  try {
    return await work(crypto);
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
    throw failure("The passphrase is wrong, or the file is damaged; nothing was changed", {
      cause,
    });
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
  options: { data: string; askPassphrase: () => Promise<Uint8Array> },
  work: (ports: DataPorts, passphrase: Uint8Array | undefined) => Promise<string>,
): Promise<string> {
  using _lock = lock(options.data);
  const stored = await readNodeSecret(openFiles(options.data));
  if (stored?.kind === "plain") stored.secret.fill(0);
  const passphrase = stored?.kind === "sealed" ? await options.askPassphrase() : undefined;
  return await withCore((crypto) => work(portsOf(options.data, crypto), passphrase));
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

async function restore(
  options: { file: string; data: string; passphrase: Uint8Array },
): ReturnType<NodeKeeper["restore"]> {
  const { file, data, passphrase } = options;
  if (!await isEmptyDirectory(data)) throw failure("--data: this directory is not empty");
  const input = () => readFilePieces(file);
  await input().next().catch((cause) => {
    throw failure(`${file}: cannot read this file`, { cause });
  });
  const held: { lock: Disposable | null } = { lock: null };
  const target = () => {
    held.lock = lock(data);
    return Promise.resolve({ files: openFiles(data), openDatabase: createOpenDatabase(data) });
  };
  try {
    return await withCore((crypto) =>
      restoreNode({ crypto, clock: systemClock }, { passphrase, input, target })
    );
  } finally {
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
      if (from === null && await isEmptyDirectory(data)) {
        throw failure("--data: there is no node there; if its data is lost, say --from ID");
      }
      return await onKeys(
        options,
        (ports, passphrase) => succeedNode(ports, { phrase, passphrase, show, from }),
      );
    },
    backUp: async ({ data, passphrase }) => {
      if (await isEmptyDirectory(data)) throw failure("--data: there is no node there");
      try {
        const held = lockDirectory(data);
        const disposable = { [Symbol.dispose]: () => held.release() };
        return backUpStopped(disposable, { data, passphrase, version });
      } catch (cause) {
        passphrase.fill(0);
        if (cause instanceof DirectoryLockedError) return null;
        throw failure(`--data: ${cause instanceof Error ? cause.message : "cannot be used"}`, {
          cause,
        });
      }
    },
    restore,
  };
}
