/**
 * ML-KEM-768 (FIPS 203): WebCrypto where the runtime has it, otherwise `@noble/post-quantum`,
 * which takes four times as long.
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

/** Picks the back end by trying the runtime's once. `random` serves the other one only. */
export async function createKem(random: (length: number) => Uint8Array): Promise<Kem> {
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
