/**
 * Puts a backup into an empty data directory. The whole file is read and proven before anything is written.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import { noteFormat } from "../../ports/data_format.ts";
import type { Clock, Files, OpenDatabase, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { RESTORING_FILE } from "../data/data_state.ts";
import { NodeStore } from "../store/store.ts";
import { SELF_NAMES } from "../own/self_names.ts";
import { type Manifest, readArchive } from "./archive.ts";
import { isOwned, NEEDED_FILES } from "../data/owned_files.ts";
import { takeAgreementsBack } from "../modules/module_states.ts";
import { markRestored } from "../own/restored_mark.ts";

/** So much of a file is written at once. */
const WRITE_BYTES = 4 * 2 ** 20;

/** An empty data directory. */
export interface RestoreTarget {
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
}

/** What was restored. */
export interface Restored {
  /** `null` for a node that never ran. */
  readonly id: string | null;
  readonly createdAt: number;
  /** How many peers it was in contact with. */
  readonly contacts: number;
}

export interface RestoreOptions {
  /** Wiped. */
  readonly passphrase: Uint8Array;
  /** Reads the file from its beginning; called twice. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** Makes the data directory, which must be empty then; called once the file is proven. */
  readonly target: () => Promise<RestoreTarget>;
}

/**
 * Restores a backup.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase or a damaged file; nothing was written.
 * @throws {OpenRedError} `unsupported` or `bad_request` for a file of another form; nothing was written.
 */
export async function restoreNode(
  ports: { crypto: CryptoCore; clock: Clock; random: Random },
  options: RestoreOptions,
): Promise<Restored> {
  const { crypto, clock, random } = ports;
  const { passphrase, input } = options;
  try {
    const manifest = await prove(crypto, { passphrase: passphrase.slice(), input: input() });
    const { files, openDatabase } = await options.target();
    await files.write(RESTORING_FILE, encodeUtf8("restoring\n"));
    const writer = new FileWriter(files);
    await readArchive(crypto, {
      passphrase: passphrase.slice(),
      input: input(),
      visitor: {
        manifest: () => {},
        begin: (name, bytes) => writer.begin(name, bytes),
        piece: (piece) => writer.piece(piece),
      },
    });
    // The backup is the copy.
    await noteFormat(files, {});
    const store = new NodeStore(openDatabase, clock);
    try {
      await markRestored(store, { nowMs: clock.nowMs(), random });
      // The folders and addresses of its grants may be others on this machine.
      await takeAgreementsBack(store);
      await store.uncount();
      await files.remove(RESTORING_FILE);
      const id = store.self(SELF_NAMES.nodeId);
      return { id, createdAt: manifest.created_at, contacts: countContacts(store) };
    } finally {
      store.close();
    }
  } finally {
    passphrase.fill(0);
  }
}

function countContacts(store: NodeStore): number {
  const text = "SELECT count(*) AS n FROM peers WHERE known = 1 AND succession IS NULL";
  return Number(store.statement(text).get()!.n);
}

async function prove(
  crypto: CryptoCore,
  options: { passphrase: Uint8Array; input: AsyncIterable<Uint8Array> },
): Promise<Manifest> {
  let manifest: Manifest | null = null;
  const names = new Set<string>();
  const visitor = {
    manifest: (read: Manifest) => void (manifest = read),
    begin: (name: string) => {
      if (names.has(name)) throw new OpenRedError("bad_request", "The backup has a file twice");
      // What programs do with files of other names is nothing that a backup may ask for.
      if (!isOwned(name)) {
        throw new OpenRedError("bad_request", `The backup has a file that is no node's: ${name}`);
      }
      names.add(name);
    },
    piece: () => {},
  };
  await readArchive(crypto, { ...options, visitor });
  const missing = NEEDED_FILES.filter((name) => !names.has(name));
  if (manifest === null || missing.length > 0) {
    throw new OpenRedError("bad_request", `The backup is without ${missing.join(", ")}`);
  }
  return manifest;
}

/** Writes files in large pieces, each made durable. */
class FileWriter {
  readonly #files: Files;
  #name = "";
  #left = 0;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(files: Files) {
    this.#files = files;
  }

  async begin(name: string, bytes: number): Promise<void> {
    this.#name = name;
    this.#left = bytes;
    if (bytes === 0) await this.#files.write(name, new Uint8Array());
  }

  async piece(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#heldBytes += piece.length;
    this.#left -= piece.length;
    if (this.#left > 0 && this.#heldBytes < WRITE_BYTES) return;
    await this.#files.append(this.#name, concatBytes(...this.#pieces));
    this.#pieces = [];
    this.#heldBytes = 0;
  }
}
