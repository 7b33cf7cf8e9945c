/**
 * ChaCha20-Poly1305 (RFC 8439) and AES-256-GCM, one shape for both.
 *
 * @module
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { assertBytes } from "./bytes.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** Bytes a sealed text is longer than its plaintext. */
export const TAG_BYTES = 16;
/** What goes through a cipher at a time: each time it makes an array, and long ones are new memory of the system. */
const STEP_BYTES = 256 * 1024;

/** An AEAD with 32-byte keys, 12-byte nonces and 16-byte tags. */
export interface Aead {
  /**
   * @returns Ciphertext ‖ tag.
   * @throws {RangeError} On a key or nonce of a wrong length.
   */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array<ArrayBuffer>;
  /**
   * Seals where the plaintext lies.
   * @param text Plaintext ‖ 16 bytes of any content; becomes ciphertext ‖ tag.
   * @throws {RangeError} On a key or nonce of a wrong length.
   */
  sealInPlace(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): void;
  /**
   * @param sealed Ciphertext ‖ tag.
   * @returns The plaintext, or `null` if the tag does not verify.
   * @throws {RangeError} On a key or nonce of a wrong length.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array<ArrayBuffer> | null;
  /**
   * Opens where the sealed text lies.
   * @param sealed Ciphertext ‖ tag; becomes the plaintext, with something behind it, or zeros.
   * @returns Whether the tag verified.
   * @throws {RangeError} On a key or nonce of a wrong length.
   */
  openInPlace(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): boolean;
}

export interface Aeads {
  readonly chacha20Poly1305: Aead;
  readonly aes256Gcm: Aead;
}

function assertKeyAndNonce(key: Uint8Array, nonce: Uint8Array): void {
  assertBytes(key, KEY_BYTES, "a key");
  assertBytes(nonce, NONCE_BYTES, "a nonce");
}

/** Frees memory at once. It would lie around until somebody collects it, and a chunk leaves a mebibyte. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer.byteLength === byteLength) (buffer as ArrayBuffer).transfer(0);
}

function updateTo(
  target: Uint8Array,
  cipher: { update(part: Uint8Array): Uint8Array },
  text: Uint8Array,
): void {
  for (let at = 0; at < text.length; at += STEP_BYTES) {
    const part = cipher.update(text.subarray(at, at + STEP_BYTES));
    target.set(part, at);
    giveBack(part);
  }
}

function createNodeAead(name: string): Aead {
  // The types know ChaCha20-Poly1305 under an interface of its own with the same calls.
  const algorithm = name as CipherGCMTypes;
  const options = { authTagLength: TAG_BYTES };
  const sealTo = (
    sealed: Uint8Array,
    { key, nonce, aad, plaintext }: Record<"key" | "nonce" | "aad" | "plaintext", Uint8Array>,
  ) => {
    assertKeyAndNonce(key, nonce);
    const cipher = createCipheriv(algorithm, key, nonce, options);
    cipher.setAAD(aad);
    updateTo(sealed, cipher, plaintext);
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
  };
  return {
    seal(key, nonce, aad, plaintext) {
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
      sealTo(sealed, { key, nonce, aad, plaintext });
      return sealed;
    },
    sealInPlace(key, nonce, aad, text) {
      sealTo(text, { key, nonce, aad, plaintext: text.subarray(0, text.length - TAG_BYTES) });
    },
    open(key, nonce, aad, sealed) {
      assertKeyAndNonce(key, nonce);
      if (sealed.length < TAG_BYTES) return null;
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv(algorithm, key, nonce, options);
      decipher.setAAD(aad);
      decipher.setAuthTag(sealed.subarray(end));
      // The same memory: no second copy is left behind when the caller wipes this one.
      const { buffer, byteOffset, length } = decipher.update(sealed.subarray(0, end));
      const plaintext = new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
      try {
        decipher.final();
      } catch {
        plaintext.fill(0);
        return null;
      }
      return plaintext;
    },
    openInPlace(key, nonce, aad, sealed) {
      assertKeyAndNonce(key, nonce);
      if (sealed.length < TAG_BYTES) return false;
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv(algorithm, key, nonce, options);
      decipher.setAAD(aad);
      decipher.setAuthTag(sealed.slice(end));
      updateTo(sealed, decipher, sealed.subarray(0, end));
      try {
        decipher.final();
        return true;
      } catch {
        sealed.fill(0);
        return false;
      }
    },
  };
}

/** ChaCha20-Poly1305 in JavaScript, for runtimes without it. */
export function createNobleChacha(): Aead {
  const open: Aead["open"] = (key, nonce, aad, sealed) => {
    assertKeyAndNonce(key, nonce);
    if (sealed.length < TAG_BYTES) return null;
    try {
      return new Uint8Array(chacha20poly1305(key, nonce, aad).decrypt(sealed));
    } catch {
      return null;
    }
  };
  return {
    seal(key, nonce, aad, plaintext) {
      assertKeyAndNonce(key, nonce);
      return new Uint8Array(chacha20poly1305(key, nonce, aad).encrypt(plaintext));
    },
    sealInPlace(key, nonce, aad, text) {
      assertKeyAndNonce(key, nonce);
      const plaintext = text.subarray(0, text.length - TAG_BYTES);
      text.set(chacha20poly1305(key, nonce, aad).encrypt(plaintext));
    },
    open,
    openInPlace(key, nonce, aad, sealed) {
      const plaintext = open(key, nonce, aad, sealed);
      sealed.fill(0);
      if (plaintext !== null) sealed.set(plaintext);
      return plaintext !== null;
    },
  };
}

function works(aead: Aead): boolean {
  const zeros = new Uint8Array(KEY_BYTES);
  try {
    const nonce = zeros.subarray(0, NONCE_BYTES);
    return aead.open(zeros, nonce, zeros, aead.seal(zeros, nonce, zeros, zeros)) !== null;
  } catch {
    return false;
  }
}

/** Both AEADs, native where the runtime has them. */
export function createAeads(): Aeads {
  const native = createNodeAead("chacha20-poly1305");
  return {
    chacha20Poly1305: works(native) ? native : createNobleChacha(),
    aes256Gcm: createNodeAead("aes-256-gcm"),
  };
}
