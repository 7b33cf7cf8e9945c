/**
 * ML-KEM-768 (FIPS 203): WebCrypto where the runtime has it, otherwise `@noble/post-quantum`,
 * which takes four times as long. Which of them is found out at the first use: trying it takes a tenth of the start.
 *
 * @module
 */
import { CryptoError } from "../interface.ts";
import type { Kem } from "./kem.ts";
import { createNobleKem } from "./mlkem_noble.ts";
import { createWebCryptoKem } from "./mlkem_webcrypto.ts";

export {
  assertKemCiphertext,
  assertKemPublicKey,
  type Kem,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  type KemSecret,
} from "./kem.ts";
export { createNobleKem } from "./mlkem_noble.ts";
export { createWebCryptoKem } from "./mlkem_webcrypto.ts";

/** Tries the runtime's once. */
async function pickKem(random: (length: number) => Uint8Array): Promise<Kem> {
  const native = createWebCryptoKem();
  try {
    const { publicKey, secret } = await native.generate();
    const { ciphertext } = await native.encapsulate(publicKey);
    await native.decapsulate(secret, ciphertext);
    return native;
  } catch (error) {
    if (error instanceof CryptoError && error.code === "handshake_failed") {
      return createNobleKem(random);
    }
    throw error;
  }
}

/** The runtime's, or the other one, which `random` serves. */
export function createKem(random: (length: number) => Uint8Array): Kem {
  let picked: Promise<Kem> | null = null;
  const kem = () => picked ??= pickKem(random);
  return {
    generate: async () => await (await kem()).generate(),
    encapsulate: async (publicKey) => await (await kem()).encapsulate(publicKey),
    decapsulate: async (secret, ciphertext) => await (await kem()).decapsulate(secret, ciphertext),
  };
}
