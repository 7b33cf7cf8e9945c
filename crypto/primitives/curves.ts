/**
 * Ed25519 and X25519 on `node:crypto`. Importing a key costs 10–50 µs, so whatever is used twice
 * is held as an imported key.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { assertBytes, wipe } from "./bytes.ts";
import { isSmallOrderKey } from "../encoding.ts";
import { CryptoError } from "../interface.ts";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** What stands before the 32 bytes of a key in DER (RFC 8410). */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519_SPKI = Buffer.from("302a300506032b6570032100", "hex");
const X25519_PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const X25519_SPKI = Buffer.from("302a300506032b656e032100", "hex");

function importPrivate(prefix: Uint8Array, key: Uint8Array, name: string): KeyObject {
  assertBytes(key, KEY_BYTES, name);
  const der = Buffer.concat([prefix, key]);
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } finally {
    wipe(der);
  }
}

function importPublic(prefix: Uint8Array, key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([prefix, key]), format: "der", type: "spki" });
}

function exportPublic(prefix: Uint8Array, key: KeyObject): Uint8Array<ArrayBuffer> {
  const der = createPublicKey(key as unknown as Parameters<typeof createPublicKey>[0])
    .export({ format: "der", type: "spki" }) as Uint8Array;
  return new Uint8Array(der.subarray(prefix.length));
}

/** An Ed25519 private key, imported once. */
export class SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  #key: KeyObject | null;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.publicKey = exportPublic(ED25519_SPKI, key);
  }

  /**
   * @param seed 32 bytes; stays the caller's to wipe.
   * @throws {RangeError} On another length.
   */
  static fromSeed(seed: Uint8Array): SigningKey {
    return new SigningKey(importPrivate(ED25519_PKCS8, seed, "an Ed25519 seed"));
  }

  /**
   * The 64-byte signature of `message`.
   * @throws {CryptoError} `key_unknown` after {@linkcode wipe}.
   */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#key === null) throw new CryptoError("key_unknown", "The signing key was wiped");
    return new Uint8Array(sign(null, message, this.#key));
  }

  /** Lets go of the imported key; the runtime frees it with the object. */
  wipe(): void {
    this.#key = null;
  }
}

/** An X25519 private key, imported once. */
export class DhKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  #key: KeyObject | null;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.publicKey = exportPublic(X25519_SPKI, key);
  }

  /**
   * @param privateKey 32 bytes, clamped as RFC 7748 says; stays the caller's to wipe.
   * @throws {RangeError} On another length.
   */
  static fromPrivate(privateKey: Uint8Array): DhKey {
    return new DhKey(importPrivate(X25519_PKCS8, privateKey, "an X25519 private key"));
  }

  /**
   * The 32-byte shared secret.
   * @throws {CryptoError} `handshake_failed` if it is all zeros; `key_unknown` after {@linkcode wipe}.
   * @throws {RangeError} On a public key that is not 32 bytes.
   */
  dh(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#key === null) throw new CryptoError("key_unknown", "The noise key was wiped");
    return sharedSecret(this.#key, publicKey);
  }

  /** Lets go of the imported key; the runtime frees it with the object. */
  wipe(): void {
    this.#key = null;
  }
}

function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  assertBytes(publicKey, KEY_BYTES, "an X25519 public key");
  let secret: Uint8Array<ArrayBuffer>;
  try {
    const imported = importPublic(X25519_SPKI, publicKey);
    secret = new Uint8Array(diffieHellman({ privateKey, publicKey: imported }));
  } catch (cause) {
    // Some runtimes throw on an all-zero secret, others return it.
    throw new CryptoError("handshake_failed", "The X25519 public key is of low order", { cause });
  }
  if (secret.every((byte) => byte === 0)) {
    throw new CryptoError("handshake_failed", "The X25519 public key is of low order");
  }
  return secret;
}

/** The X25519 public key of a 32-byte private key. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return DhKey.fromPrivate(privateKey).publicKey;
}

/** {@linkcode DhKey.dh} with a key that is used once. */
export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return sharedSecret(importPrivate(X25519_PKCS8, privateKey, "an X25519 private key"), publicKey);
}

/** The Ed25519 public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return SigningKey.fromSeed(seed).publicKey;
}

/** The 64-byte Ed25519 signature of `message`; `key` is a 32-byte seed or an imported key. */
export function ed25519Sign(
  key: Uint8Array | SigningKey,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return (key instanceof SigningKey ? key : SigningKey.fromSeed(key)).sign(message);
}

/** Whether a signature holds; `false` for keys of small order and anything malformed. */
export function ed25519Verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = importVerifyingKey(publicKey);
  return key !== null && verifyWith(key, message, signature);
}

function importVerifyingKey(publicKey: Uint8Array): KeyObject | null {
  if (publicKey.length !== KEY_BYTES || isSmallOrderKey(publicKey)) return null;
  try {
    return importPublic(ED25519_SPKI, publicKey);
  } catch {
    // Not the encoding of a point; nothing else can be wrong with 32 bytes.
    return null;
  }
}

function verifyWith(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(null, message, key, signature);
  } catch {
    // Where the point is only decoded here, a wrong encoding throws here.
    return false;
  }
}

/** Verifies Ed25519 signatures and keeps the keys it imported, the longest unused going first. */
export class Verifier {
  readonly #maxKeys: number;
  readonly #keys = new Map<string, KeyObject>();

  constructor(maxKeys = 256) {
    this.#maxKeys = maxKeys;
  }

  /** As {@linkcode ed25519Verify}. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length)
      .toString("latin1");
    const key = this.#keys.get(name) ?? importVerifyingKey(publicKey);
    if (key === null) return false;
    this.#keys.delete(name);
    this.#keys.set(name, key);
    if (this.#keys.size > this.#maxKeys) this.#keys.delete(this.#keys.keys().next().value!);
    return verifyWith(key, message, signature);
  }
}
