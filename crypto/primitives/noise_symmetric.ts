/**
 * CipherState and SymmetricState of Noise with ChaChaPoly and SHA256.
 *
 * @module
 * @see The Noise Protocol Framework, revision 34, §5.1 and §5.2
 */
import { type Aead, TAG_BYTES } from "./aead.ts";
import { wipe } from "./bytes.ts";
import { encodeUtf8 } from "../encoding.ts";
import type { Hashes } from "./hashes.ts";
import { CryptoError } from "../interface.ts";

const HASH_BYTES = 32;
const EMPTY = new Uint8Array(0);

/** What Noise computes with. */
export interface NoisePrimitives {
  readonly hashes: Hashes;
  readonly chacha20Poly1305: Aead;
}

/** A key and its nonce counter. */
export class CipherState {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  #counter = 0;

  /** @param key 32 bytes; from here on this object's, which wipes it. */
  constructor(aead: Aead, key: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
  }

  /** Ciphertext ‖ tag. */
  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = this.#aead.seal(this.#key, this.#nonce(), ad, plaintext);
    this.#counter++;
    return sealed;
  }

  /** @throws {CryptoError} `handshake_failed`, the counter staying as it was. */
  decryptWithAd(ad: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
    const plaintext = this.#aead.open(this.#key, this.#nonce(), ad, sealed);
    if (plaintext === null) {
      throw new CryptoError("handshake_failed", "The Noise tag does not hold");
    }
    this.#counter++;
    return plaintext;
  }

  clone(): CipherState {
    const copy = new CipherState(this.#aead, this.#key.slice());
    copy.#counter = this.#counter;
    return copy;
  }

  wipe(): void {
    wipe(this.#key);
  }

  /** Four zero bytes, then the counter as 8 bytes little-endian (Noise §12.3). */
  #nonce(): Uint8Array {
    const nonce = new Uint8Array(12);
    const view = new DataView(nonce.buffer);
    view.setUint32(4, this.#counter >>> 0, true);
    view.setUint32(8, Math.floor(this.#counter / 2 ** 32), true);
    return nonce;
  }
}

/** The chaining key, the hash of everything so far, and a cipher once a key was mixed in. */
export class SymmetricState {
  readonly #primitives: NoisePrimitives;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | null = null;

  private constructor(primitives: NoisePrimitives, chainingKey: Uint8Array, hash: Uint8Array) {
    this.#primitives = primitives;
    this.#chainingKey = chainingKey;
    this.#hash = hash;
  }

  static initialize(primitives: NoisePrimitives, protocolName: string): SymmetricState {
    const name = encodeUtf8(protocolName);
    let hash: Uint8Array = new Uint8Array(HASH_BYTES);
    if (name.length <= HASH_BYTES) hash.set(name);
    else hash = primitives.hashes.sha256(name);
    return new SymmetricState(primitives, hash.slice(), hash);
  }

  /** 32 bytes; not a copy. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  /** Bytes that {@linkcode encryptAndHash} adds. */
  get overheadBytes(): number {
    return this.#cipher === null ? 0 : TAG_BYTES;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#primitives.hashes.sha256(this.#hash, data);
  }

  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#hkdf(secret);
    wipe(this.#chainingKey);
    this.#chainingKey = chainingKey;
    this.#cipher?.wipe();
    this.#cipher = new CipherState(this.#primitives.chacha20Poly1305, key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = this.#cipher === null
      ? new Uint8Array(plaintext)
      : this.#cipher.encryptWithAd(this.#hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  /** @throws {CryptoError} `handshake_failed`. */
  decryptAndHash(sealed: Uint8Array): Uint8Array<ArrayBuffer> {
    const plaintext = this.#cipher === null
      ? new Uint8Array(sealed)
      : this.#cipher.decryptWithAd(this.#hash, sealed);
    this.mixHash(sealed);
    return plaintext;
  }

  /** The keys of the two transport ciphers, 32 bytes each: the initiator's sending key first. */
  split(): [Uint8Array, Uint8Array] {
    return this.#hkdf(EMPTY);
  }

  clone(): SymmetricState {
    const copy = new SymmetricState(
      this.#primitives,
      this.#chainingKey.slice(),
      this.#hash.slice(),
    );
    copy.#cipher = this.#cipher?.clone() ?? null;
    return copy;
  }

  wipe(): void {
    wipe(this.#chainingKey, this.#hash);
    this.#cipher?.wipe();
  }

  /** HKDF(chaining_key, input, 2) of Noise §4.3, which is RFC 5869 with an empty info. */
  #hkdf(input: Uint8Array): [Uint8Array, Uint8Array] {
    const { hashes } = this.#primitives;
    const prk = hashes.hkdfExtract(this.#chainingKey, input);
    const output = hashes.hkdfExpand(prk, EMPTY, 2 * HASH_BYTES);
    const keys: [Uint8Array, Uint8Array] = [output.slice(0, HASH_BYTES), output.slice(HASH_BYTES)];
    wipe(prk, output);
    return keys;
  }
}
