/**
 * What both back ends of ML-KEM-768 (FIPS 203) share: their interface and the checks of its inputs.
 *
 * @module
 */
import { CryptoError } from "../interface.ts";

export const KEM_PUBLIC_KEY_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;

/** Where the 12-bit coefficients of a public key end and its 32-byte seed begins. */
const COEFFICIENT_BYTES = 1152;
const MODULUS = 3329;

/** The decapsulation key of one handshake. Only the back end that made it can use it. */
export interface KemSecret {
  /** Makes the key unusable and overwrites what can be reached of it. */
  wipe(): void;
}

/** ML-KEM-768. Every call rejects with a {@linkcode CryptoError} `handshake_failed`. */
export interface Kem {
  /** `publicKey` has 1184 bytes. */
  generate(): Promise<{ publicKey: Uint8Array<ArrayBuffer>; secret: KemSecret }>;
  /** `ciphertext` has 1088 bytes, `shared` 32. Refuses keys outside FIPS 203 §7.2. */
  encapsulate(
    publicKey: Uint8Array,
  ): Promise<{ ciphertext: Uint8Array<ArrayBuffer>; shared: Uint8Array<ArrayBuffer> }>;
  /** The 32-byte shared secret. A wrong `ciphertext` of the right length gives a random one. */
  decapsulate(secret: KemSecret, ciphertext: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Checks length and modulus of a public key.
 * @throws {CryptoError} `handshake_failed`.
 * @see FIPS 203 §7.2
 */
export function assertKemPublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== KEM_PUBLIC_KEY_BYTES) {
    throw new CryptoError("handshake_failed", "The ML-KEM key has a wrong length");
  }
  for (let i = 0; i < COEFFICIENT_BYTES; i += 3) {
    const middle = publicKey[i + 1]!;
    const first = publicKey[i]! | (middle & 0x0f) << 8;
    const second = middle >> 4 | publicKey[i + 2]! << 4;
    if (first >= MODULUS || second >= MODULUS) {
      throw new CryptoError("handshake_failed", "The ML-KEM key is outside its modulus");
    }
  }
}

/** @throws {CryptoError} `handshake_failed` unless it is 1088 bytes. */
export function assertKemCiphertext(ciphertext: Uint8Array): void {
  if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) {
    throw new CryptoError("handshake_failed", "The ML-KEM ciphertext has a wrong length");
  }
}

/** Runs one call of a back end. */
export async function orHandshakeFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new CryptoError("handshake_failed", "ML-KEM failed", { cause });
  }
}
