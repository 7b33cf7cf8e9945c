/**
 * The content of files: hashed, and sealed for one transfer, a chunk at a time. Native code of the runtime does the
 * work: on so much data it is several times as fast as what the core has, which is the faster one where data is short.
 *
 * @module
 * @see docs/PROTOCOL.md, "Files"
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { enc } from "../encoding.ts";
import {
  type BulkCrypto,
  CryptoError,
  FILE_CHUNK_BYTES,
  FILE_TAG_BYTES,
  type FileKey,
  MAX_FILE_LAYER_BYTES,
} from "../interface.ts";
import { type Aead, createAeads } from "../primitives/aead.ts";
import { checkByteArray, checkBytes } from "../primitives/checks.ts";
import { Hashes } from "../primitives/hashes.ts";
import { chunkRoot, layerRoot, type Sha256 } from "./merkle_tree.ts";

const HASH_BYTES = 32;
/** From so many bytes on native code is the faster one, although a call of it costs three times as much. */
const LONG_BYTES = 1_024;
const SECRET_BYTES = 32;
const TRANSFER_BYTES = 16;
const NONCE_BYTES = 12;
const LABEL = "openred/v3/file";
const AEAD = "ChaCha20-Poly1305";

type Call<N extends Exclude<keyof BulkCrypto, "stop">> = Parameters<BulkCrypto[N]>[0];

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function checkChunk(data: Uint8Array, atLeast: number): void {
  checkByteArray(data, "a chunk");
  const most = FILE_CHUNK_BYTES + atLeast - 1;
  if (data.length >= atLeast && data.length <= most) return;
  const text = `Expected a chunk of ${atLeast} to ${most} bytes, received ${data.length}`;
  throw new CryptoError("bad_argument", text);
}

/** HKDF-SHA256 without a salt (RFC 5869), of one block: 32 bytes. */
function deriveKey({ secret, transfer, part, root, length }: FileKey): Uint8Array {
  checkBytes(secret, SECRET_BYTES, "a secret");
  checkBytes(transfer, TRANSFER_BYTES, "a transfer");
  checkBytes(root, HASH_BYTES, "a root");
  const extracted = hmac(new Uint8Array(HASH_BYTES), secret);
  const info = enc(LABEL, AEAD, transfer, part, root, length);
  const key = hmac(extracted, info, Uint8Array.of(1));
  extracted.fill(0);
  return key;
}

function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setBigUint64(NONCE_BYTES - 8, BigInt(number));
  return nonce;
}

/** The same bytes and room for the tag behind them: where they lie, if there is any. */
function withRoom(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = data.length + FILE_TAG_BYTES;
  const buffer = data.buffer as ArrayBuffer;
  if (data.byteOffset + length <= buffer.byteLength) {
    return new Uint8Array(buffer, data.byteOffset, length);
  }
  const whole = new Uint8Array(length);
  whole.set(data);
  return whole;
}

/** Does the work in the thread of its caller. */
export class FileChunks {
  readonly #aead: Aead = createAeads().chacha20Poly1305;
  readonly #hashes: Hashes;
  readonly #sha256: Sha256 = (...parts) => {
    const [first] = parts;
    const isLong = parts.length === 1 && first!.length >= LONG_BYTES;
    return isLong ? createHash("sha256").update(first!).digest() : this.#hashes.sha256(...parts);
  };

  private constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  static async create(): Promise<FileChunks> {
    return new FileChunks(await Hashes.create());
  }

  hashChunk({ data, isWhole }: Call<"hashChunk">): Uint8Array {
    checkChunk(data, 1);
    return new Uint8Array(chunkRoot(this.#sha256, { data, isWhole }));
  }

  hashLayer({ layer }: Call<"hashLayer">): Uint8Array {
    checkByteArray(layer, "a layer");
    const isFit = layer.length % HASH_BYTES === 0 && layer.length >= 2 * HASH_BYTES;
    if (!isFit || layer.length > MAX_FILE_LAYER_BYTES) {
      const text = `Expected two hashes or more, at most ${MAX_FILE_LAYER_BYTES} bytes`;
      throw new CryptoError("bad_argument", text);
    }
    return new Uint8Array(layerRoot(this.#sha256, layer));
  }

  /** What is hashed is what is sealed: the same memory, and nobody else has it. */
  sealChunk(
    { key, number, data, isWhole, root }: Call<"sealChunk">,
  ): Uint8Array<ArrayBuffer> | null {
    checkChunk(data, 1);
    if (root !== null && !this.#isRoot(root, { data, isWhole })) return null;
    const sealed = withRoom(data);
    this.#with(key, number, (...args) => this.#aead.sealInPlace(...args, sealed));
    return sealed;
  }

  openChunk(
    { key, number, sealed, isWhole, root }: Call<"openChunk">,
  ): Uint8Array<ArrayBuffer> | null {
    checkChunk(sealed, FILE_TAG_BYTES + 1);
    const isOpen = this.#with(
      key,
      number,
      (...args) => this.#aead.openInPlace(...args, sealed),
    );
    if (!isOpen) throw new CryptoError("unseal_failed", "A chunk does not open");
    const data = sealed.subarray(0, sealed.length - FILE_TAG_BYTES) as Uint8Array<ArrayBuffer>;
    return root === null || this.#isRoot(root, { data, isWhole }) ? data : null;
  }

  #isRoot(root: Uint8Array, options: { data: Uint8Array; isWhole: boolean }): boolean {
    checkBytes(root, HASH_BYTES, "a root");
    return timingSafeEqual(chunkRoot(this.#sha256, options), root);
  }

  #with<T>(
    key: FileKey,
    number: number,
    work: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => T,
  ): T {
    const derived = deriveKey(key);
    try {
      return work(derived, nonceOf(number), enc(key.transfer, key.root, number));
    } finally {
      derived.fill(0);
    }
  }
}

/** The same behind promises, for whoever has no thread to spare. */
export function createLocalBulk(): BulkCrypto {
  const created = FileChunks.create();
  const call = <A, R>(work: (chunks: FileChunks, argument: A) => R) => async (argument: A) =>
    work(await created, argument);
  return {
    hashChunk: call((chunks, given: Call<"hashChunk">) => chunks.hashChunk(given)),
    hashLayer: call((chunks, given: Call<"hashLayer">) => chunks.hashLayer(given)),
    sealChunk: call((chunks, given: Call<"sealChunk">) => chunks.sealChunk(given)),
    openChunk: call((chunks, given: Call<"openChunk">) => chunks.openChunk(given)),
    stop: () => {},
  };
}
