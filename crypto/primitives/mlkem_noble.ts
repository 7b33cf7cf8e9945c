/**
 * ML-KEM-768 on `@noble/post-quantum`, for runtimes without it and for runs that must repeat.
 *
 * @module
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { wipe } from "./bytes.ts";
import { CryptoError } from "../interface.ts";
import {
  assertKemCiphertext,
  assertKemPublicKey,
  type Kem,
  type KemSecret,
  orHandshakeFailed,
} from "./kem.ts";

class NobleSecret implements KemSecret {
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    if (this.#bytes === null) throw new CryptoError("key_unknown", "The ML-KEM key was wiped");
    return ml_kem768.decapsulate(ciphertext, this.#bytes);
  }

  wipe(): void {
    wipe(this.#bytes);
    this.#bytes = null;
  }
}

/**
 * ML-KEM-768 in JavaScript.
 * @param random Where all of its randomness comes from.
 */
export function createNobleKem(random: (length: number) => Uint8Array): Kem {
  return {
    generate: () =>
      orHandshakeFailed(() => {
        const seed = random(64);
        const { publicKey, secretKey } = ml_kem768.keygen(seed);
        wipe(seed);
        return Promise.resolve({
          publicKey: new Uint8Array(publicKey),
          secret: new NobleSecret(secretKey),
        });
      }),
    async encapsulate(publicKey) {
      assertKemPublicKey(publicKey);
      return await orHandshakeFailed(() => {
        const message = random(32);
        const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, message);
        wipe(message);
        return Promise.resolve({
          ciphertext: new Uint8Array(cipherText),
          shared: new Uint8Array(sharedSecret),
        });
      });
    },
    async decapsulate(secret, ciphertext) {
      assertKemCiphertext(ciphertext);
      return await orHandshakeFailed(() => {
        if (!(secret instanceof NobleSecret)) {
          throw new TypeError("Expected a key of this back end");
        }
        return Promise.resolve(new Uint8Array(secret.decapsulate(ciphertext)));
      });
    },
  };
}
