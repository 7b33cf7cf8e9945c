/**
 * The encryption of a backup: a head, then chunks, each sealed for its place in the file.
 *
 * Head: `magic(8) ‖ memory in KiB(4) ‖ passes(4) ‖ salt(16)`, big-endian. Key = Argon2id(passphrase, salt), 32 bytes,
 * used for this one file. A chunk is AES-256-GCM of {@linkcode BACKUP_CHUNK_BYTES} (the last one of any length up to
 * it), nonce = 3 zero bytes ‖ number of the chunk(8) ‖ 1 for the last chunk, otherwise 0, AAD = the head. So no chunk
 * can be changed, moved, left out or taken from another file, and none can be cut off behind.
 *
 * @module
 * @see docs/ARCHITECTURE.md, "Backup"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkByteArray } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { BACKUP_CHUNK_BYTES, BACKUP_MAGIC, CryptoError } from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import { decodeStretchHead, encodeStretchHead, stretchUnderHead } from "./stretched_box.ts";

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

type BackupCalls = Pick<CallTable, "beginBackup" | "sealBackup" | "openBackup" | "readBackup">;

/** One direction of one file. */
class BackupStream implements Held {
  readonly key: Uint8Array;
  readonly head: Uint8Array;
  #number = 0;
  #isOver = false;

  constructor(key: Uint8Array, head: Uint8Array) {
    this.key = key;
    this.head = head;
  }

  /** @throws {CryptoError} `exhausted` after the last chunk. */
  nextNonce(isLast: boolean): Uint8Array {
    if (this.#isOver) throw new CryptoError("exhausted", "The backup has had its last chunk");
    const nonce = new Uint8Array(NONCE_BYTES);
    new DataView(nonce.buffer).setBigUint64(3, BigInt(this.#number));
    nonce[NONCE_BYTES - 1] = isLast ? 1 : 0;
    this.#number++;
    this.#isOver = isLast;
    return nonce;
  }

  wipe(): void {
    wipe(this.key);
  }
}

async function begin(
  parts: CoreParts,
  options: { passphrase: Uint8Array; head: Uint8Array },
): Promise<BackupStream> {
  const key = await stretchUnderHead(parts, { secret: options.passphrase, head: options.head });
  return new BackupStream(key, options.head);
}

function checkLength(length: number, isLast: boolean): void {
  if (isLast ? length <= BACKUP_CHUNK_BYTES : length === BACKUP_CHUNK_BYTES) return;
  throw new CryptoError("bad_argument", `Expected a chunk of ${BACKUP_CHUNK_BYTES} bytes`);
}

export function createBackupCalls(parts: CoreParts): BackupCalls {
  const { aes256Gcm } = parts.aeads;
  return {
    beginBackup: async ({ passphrase, cost }) => {
      const head = encodeStretchHead(parts, { magic: BACKUP_MAGIC, cost });
      const stream = await begin(parts, { passphrase, head });
      return { stream: parts.ring.add(stream), head: head.slice() };
    },
    sealBackup: ({ stream, chunk, isLast }) => {
      const { key, head, nextNonce } = held(parts, stream);
      checkByteArray(chunk, "a chunk");
      checkLength(chunk.length, isLast);
      return aes256Gcm.seal(key, nextNonce(isLast), head, chunk);
    },
    openBackup: async ({ passphrase, head }) => {
      checkByteArray(head, "a head");
      if (decodeStretchHead(head, BACKUP_MAGIC) === null) {
        throw new CryptoError("unseal_failed", "The file is not a backup of a known form");
      }
      return parts.ring.add(await begin(parts, { passphrase, head: new Uint8Array(head) }));
    },
    readBackup: ({ stream, chunk, isLast }) => {
      const { key, head, nextNonce } = held(parts, stream);
      checkByteArray(chunk, "a chunk");
      checkLength(chunk.length - TAG_BYTES, isLast);
      const plain = aes256Gcm.open(key, nextNonce(isLast), head, new Uint8Array(chunk));
      if (plain !== null) return plain;
      throw new CryptoError("unseal_failed", "The backup does not open with this passphrase");
    },
  };
}

function held(parts: CoreParts, ref: Parameters<CoreParts["ring"]["has"]>[0]) {
  const stream = parts.ring.get(ref, BackupStream);
  const { key, head } = stream;
  return { key, head, nextNonce: (isLast: boolean) => stream.nextNonce(isLast) };
}
