/**
 * SHA-256, BLAKE3, HMAC, HKDF and Argon2id on reused hash-wasm instances: creating one is
 * asynchronous and slow, using it is neither.
 *
 * @module
 */
import { argon2id as hashWasmArgon2id, createBLAKE3, createSHA256, type IHasher } from "hash-wasm";
import { assertBytes, wipe } from "./bytes.ts";
import { EncWriter } from "./enc_writer.ts";

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** A hash-wasm instance writes its output over its 16 KiB input buffer and does not check. */
const MAX_BLAKE3_BYTES = 16_384;
/** Up to this length, parts are joined first: each hand-over to a hasher costs 0.4 µs. */
const JOINED_BYTES = 512;
/** Output lengths with an instance each; another length is cut from the next longer one. */
const BLAKE3_LENGTHS = [32, 320, MAX_BLAKE3_BYTES] as const;

/** All hashing of the crypto core. Synchronous once created. */
export class Hashes {
  readonly #sha256: IHasher;
  readonly #blake3: readonly IHasher[];
  readonly #writer = new EncWriter();
  /** A key block (RFC 2104's ipad or opad) and, behind it, what is hashed under it. */
  readonly #joined = new Uint8Array(BLOCK_BYTES + JOINED_BYTES);
  /** Views of it by their length: making one costs as much as hashing a block. */
  readonly #joinedViews: Uint8Array[] = [];
  readonly #keyBlock = this.#joined.subarray(0, BLOCK_BYTES);
  readonly #outerInput = this.#joined.subarray(0, BLOCK_BYTES + HASH_BYTES);

  private constructor(sha256: IHasher, blake3: readonly IHasher[]) {
    this.#sha256 = sha256;
    this.#blake3 = blake3;
  }

  static async create(): Promise<Hashes> {
    const [sha256, ...blake3] = await Promise.all([
      createSHA256(),
      ...BLAKE3_LENGTHS.map((length) => createBLAKE3(8 * length)),
    ]);
    return new Hashes(sha256, blake3);
  }

  /** A reused writer, empty, for an input that is hashed at once. */
  input(): EncWriter {
    return this.#writer.begin();
  }

  /** SHA-256 of the parts, taken as one message: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array {
    this.#sha256.init();
    if (parts.length === 1) this.#sha256.update(parts[0]!);
    else this.#update(parts, 0);
    return this.#sha256.digest("binary");
  }

  /**
   * BLAKE3 with extendable output.
   * @param length Bytes wanted, 1 to {@linkcode MAX_BLAKE3_BYTES}.
   * @throws {RangeError} On another length.
   */
  blake3(data: Uint8Array, length: number): Uint8Array {
    if (!Number.isInteger(length) || length < 1 || length > MAX_BLAKE3_BYTES) {
      throw new RangeError(`Expected an output length of 1 to ${MAX_BLAKE3_BYTES}`);
    }
    const hasher = this.#blake3.find((candidate) => candidate.digestSize >= length)!;
    const output = hasher.init().update(data).digest("binary");
    return output.length === length ? output : output.slice(0, length);
  }

  /** HMAC-SHA256 (RFC 2104) of the parts, taken as one message: 32 bytes. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    this.#setKeyBlock(key);
    this.#sha256.init();
    this.#update(parts, BLOCK_BYTES);
    this.#turnIntoOuterBlock();
    this.#joined.set(this.#sha256.digest("binary"), BLOCK_BYTES);
    const mac = this.#sha256.init().update(this.#outerInput).digest("binary");
    this.#outerInput.fill(0);
    return mac;
  }

  /**
   * HKDF-Extract with SHA-256: 32 bytes.
   * @see RFC 5869 §2.2
   */
  hkdfExtract(salt: Uint8Array, ikm: Uint8Array): Uint8Array {
    return this.hmacSha256(salt, ikm);
  }

  /**
   * HKDF-Expand with SHA-256.
   * @param length Bytes wanted, at most 255 × 32.
   * @throws {RangeError} On another length, or a `prk` that is not 32 bytes.
   * @see RFC 5869 §2.3
   */
  hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
    assertBytes(prk, HASH_BYTES, "a pseudorandom key");
    if (!Number.isInteger(length) || length < 0 || length > 255 * HASH_BYTES) {
      throw new RangeError(`Expected an output length of 0 to ${255 * HASH_BYTES}`);
    }
    const output = new Uint8Array(length);
    // The block before, `info` and a number, handed over at once; nothing stands before the first.
    const whole = new Uint8Array(HASH_BYTES + info.length + 1);
    whole.set(info, HASH_BYTES);
    let message = whole.subarray(HASH_BYTES);
    for (let offset = 0, i = 1; offset < length; offset += HASH_BYTES, i++) {
      whole[whole.length - 1] = i;
      const block = this.hmacSha256(prk, message);
      const left = length - offset;
      output.set(left < HASH_BYTES ? block.subarray(0, left) : block, offset);
      whole.set(block);
      wipe(block);
      message = whole;
    }
    wipe(whole);
    return output;
  }

  /** Overwrites what the last inputs left in the memory of the hashers. */
  scrub(): void {
    const zeros = new Uint8Array(MAX_BLAKE3_BYTES);
    for (const hasher of [this.#sha256, ...this.#blake3]) {
      hasher.init().update(zeros).digest("binary");
    }
    this.#writer.wipe();
    this.#joined.fill(0);
  }

  /** Hashes the first `offset` bytes of the joining buffer, then the parts. */
  #update(parts: readonly Uint8Array[], offset: number): void {
    let length = offset;
    for (const part of parts) length += part.length;
    const joined = this.#joined;
    if (length > joined.length) {
      if (offset > 0) this.#sha256.update(this.#keyBlock);
      for (const part of parts) this.#sha256.update(part);
      return;
    }
    let end = offset;
    for (const part of parts) {
      joined.set(part, end);
      end += part.length;
    }
    this.#sha256.update(this.#joinedViews[end] ??= joined.subarray(0, end));
    joined.fill(0, offset, end);
  }

  #setKeyBlock(key: Uint8Array): void {
    const short = key.length > BLOCK_BYTES ? this.sha256(key) : key;
    const block = this.#keyBlock;
    block.fill(0x36);
    for (let i = 0; i < short.length; i++) block[i]! ^= short[i]!;
  }

  #turnIntoOuterBlock(): void {
    const block = this.#keyBlock;
    for (let i = 0; i < BLOCK_BYTES; i++) block[i]! ^= 0x36 ^ 0x5c;
  }
}

/** The part of {@linkcode Hashes} that tokens are made of. */
export type TokenHashes = Pick<Hashes, "input" | "sha256" | "blake3" | "hmacSha256">;

/** What {@linkcode argon2id} is to compute. */
export interface Argon2idOptions {
  /** At least one byte. */
  readonly secret: Uint8Array;
  /** At least 8 bytes. */
  readonly salt: Uint8Array;
  readonly memoryKiB: number;
  readonly passes: number;
  /** Bytes wanted, at least 4. */
  readonly length: number;
}

/**
 * Argon2id with parallelism 1 (RFC 9106).
 * @throws {Error} From hash-wasm, on parameters outside RFC 9106.
 */
export function argon2id(options: Argon2idOptions): Promise<Uint8Array> {
  return hashWasmArgon2id({
    password: options.secret,
    salt: options.salt,
    memorySize: options.memoryKiB,
    iterations: options.passes,
    parallelism: 1,
    hashLength: options.length,
    outputType: "binary",
  });
}
