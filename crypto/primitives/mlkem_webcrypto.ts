/**
 * ML-KEM-768 on WebCrypto, where the runtime has it.
 *
 * @module
 */
import {
  assertKemCiphertext,
  assertKemPublicKey,
  type Kem,
  type KemSecret,
  orHandshakeFailed,
} from "./kem.ts";

const ALGORITHM = "ML-KEM-768";

/** The calls of WebCrypto that its TypeScript types do not have yet. */
interface KemSubtle {
  generateKey(
    algorithm: string,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<{ publicKey: CryptoKey; privateKey: CryptoKey }>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  importKey(
    format: "raw-public",
    key: Uint8Array,
    algorithm: string,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  encapsulateBits(
    algorithm: string,
    key: CryptoKey,
  ): Promise<{ ciphertext: ArrayBuffer; sharedKey: ArrayBuffer }>;
  decapsulateBits(
    algorithm: string,
    key: CryptoKey,
    ciphertext: Uint8Array,
  ): Promise<ArrayBuffer>;
}

class WebCryptoSecret implements KemSecret {
  key: CryptoKey | null;

  constructor(key: CryptoKey) {
    this.key = key;
  }

  wipe(): void {
    this.key = null;
  }
}

/** ML-KEM-768 of the runtime, with the runtime's own randomness. */
export function createWebCryptoKem(): Kem {
  const subtle = crypto.subtle as unknown as KemSubtle;
  return {
    generate: () =>
      orHandshakeFailed(async () => {
        const pair = await subtle.generateKey(ALGORITHM, false, [
          "encapsulateBits",
          "decapsulateBits",
        ]);
        return {
          publicKey: new Uint8Array(await subtle.exportKey("raw-public", pair.publicKey)),
          secret: new WebCryptoSecret(pair.privateKey),
        };
      }),
    async encapsulate(publicKey) {
      assertKemPublicKey(publicKey);
      return await orHandshakeFailed(async () => {
        const key = await subtle.importKey("raw-public", publicKey, ALGORITHM, true, [
          "encapsulateBits",
        ]);
        const { ciphertext, sharedKey } = await subtle.encapsulateBits(ALGORITHM, key);
        return { ciphertext: new Uint8Array(ciphertext), shared: new Uint8Array(sharedKey) };
      });
    },
    async decapsulate(secret, ciphertext) {
      assertKemCiphertext(ciphertext);
      return await orHandshakeFailed(async () => {
        if (!(secret instanceof WebCryptoSecret) || secret.key === null) {
          throw new TypeError("Expected a key of this back end");
        }
        return new Uint8Array(await subtle.decapsulateBits(ALGORITHM, secret.key, ciphertext));
      });
    },
  };
}
