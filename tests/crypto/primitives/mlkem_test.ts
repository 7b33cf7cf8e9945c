import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CryptoError } from "../../../crypto/interface.ts";
import {
  assertKemPublicKey,
  createKem,
  createNobleKem,
  createWebCryptoKem,
  type Kem,
} from "../../../crypto/primitives/mlkem.ts";
import { repeated } from "../../vectors/read_vectors.ts";

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function isWorking(kem: Kem): Promise<boolean> {
  try {
    await kem.generate();
    return true;
  } catch {
    return false;
  }
}

async function assertHandshakeFailed(work: () => Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(work, CryptoError)).code, "handshake_failed");
}

const webCrypto = createWebCryptoKem();
const hasWebCrypto = await isWorking(webCrypto);
const BACK_ENDS: readonly { name: string; kem: Kem; ignore: boolean }[] = [
  { name: "WebCrypto", kem: webCrypto, ignore: !hasWebCrypto },
  { name: "noble", kem: createNobleKem(random), ignore: false },
  { name: "createKem()", kem: createKem(random), ignore: false },
];

/** A valid key with the 12-bit coefficient number `at` replaced. */
function withCoefficient(key: Uint8Array, at: number, value: number): Uint8Array {
  const changed = key.slice();
  const start = 3 * (at >> 1);
  if (at % 2 === 0) {
    changed[start] = value & 0xff;
    changed[start + 1] = changed[start + 1]! & 0xf0 | value >> 8;
  } else {
    changed[start + 1] = changed[start + 1]! & 0x0f | (value & 0x0f) << 4;
    changed[start + 2] = value >> 4;
  }
  return changed;
}

for (const { name, kem, ignore } of BACK_ENDS) {
  Deno.test({
    name: `${name} agrees on 32 bytes, with keys of 1184 and ciphertexts of 1088`,
    ignore,
    async fn() {
      const { publicKey, secret } = await kem.generate();
      const { ciphertext, shared } = await kem.encapsulate(publicKey);
      assertEquals([publicKey.length, ciphertext.length, shared.length], [1184, 1088, 32]);
      assertEquals(await kem.decapsulate(secret, ciphertext), shared);
      const other = await kem.encapsulate(publicKey);
      assertNotEquals(other.shared, shared);
    },
  });

  Deno.test({
    name: `${name} refuses keys with a coefficient outside FIPS 203 §7.2`,
    ignore,
    async fn() {
      const { publicKey } = await kem.generate();
      for (const at of [0, 1, 2, 383, 766, 767]) {
        for (const value of [3329, 3330, 4095]) {
          await assertHandshakeFailed(() => kem.encapsulate(withCoefficient(publicKey, at, value)));
        }
        await kem.encapsulate(withCoefficient(publicKey, at, 3328));
      }
    },
  });

  Deno.test({
    name: `${name} refuses keys and ciphertexts of a wrong length, and wiped keys`,
    ignore,
    async fn() {
      const { publicKey, secret } = await kem.generate();
      const { ciphertext } = await kem.encapsulate(publicKey);
      for (const length of [0, 1183, 1185, 1568]) {
        await assertHandshakeFailed(() => kem.encapsulate(new Uint8Array(length)));
      }
      for (const length of [0, 1087, 1089]) {
        await assertHandshakeFailed(() => kem.decapsulate(secret, new Uint8Array(length)));
      }
      secret.wipe();
      await assertHandshakeFailed(() => kem.decapsulate(secret, ciphertext));
    },
  });

  Deno.test({
    name: `${name} gives another secret for one flipped bit of the ciphertext`,
    ignore,
    async fn() {
      const { publicKey, secret } = await kem.generate();
      const { ciphertext, shared } = await kem.encapsulate(publicKey);
      await fc.assert(
        fc.asyncProperty(fc.nat(8 * 1088 - 1), async (bit) => {
          const forged = ciphertext.slice();
          forged[bit >> 3]! ^= 1 << (bit & 7);
          assertNotEquals(await kem.decapsulate(secret, forged), shared);
        }),
        { numRuns: 20 },
      );
    },
  });
}

Deno.test("assertKemPublicKey() refuses any coefficient from 3329 up, whatever the back end does", () => {
  const valid = new Uint8Array(1184);
  fc.assert(fc.property(fc.nat(767), fc.nat(4095), (at, value) => {
    const check = () => assertKemPublicKey(withCoefficient(valid, at, value));
    if (value < 3329) check();
    else assertEquals(assertThrows(check, CryptoError).code, "handshake_failed");
  }));
  for (const length of [0, 1183, 1185]) {
    assertThrows(() => assertKemPublicKey(new Uint8Array(length)), CryptoError);
  }
});

Deno.test("noble itself refuses a key outside FIPS 203 §7.2", async () => {
  const { ml_kem768 } = await import("@noble/post-quantum/ml-kem.js");
  const { publicKey } = ml_kem768.keygen(repeated(1, 64));
  ml_kem768.encapsulate(publicKey, repeated(2));
  const outside = withCoefficient(publicKey, 5, 3329);
  await assertRejects(() => Promise.resolve().then(() => ml_kem768.encapsulate(outside)), Error);
});

Deno.test({
  name: "the two back ends understand each other",
  ignore: !hasWebCrypto,
  async fn() {
    const noble = createNobleKem(random);
    for (const [a, b] of [[noble, webCrypto], [webCrypto, noble]] as const) {
      const { publicKey, secret } = await a.generate();
      const { ciphertext, shared } = await b.encapsulate(publicKey);
      assertEquals(await a.decapsulate(secret, ciphertext), shared);
    }
  },
});

Deno.test("createNobleKem() takes all of its randomness from the given source", async () => {
  const run = async () => {
    let count = 0;
    const kem = createNobleKem((length) => repeated(++count, length));
    const { publicKey } = await kem.generate();
    return { publicKey, ...await kem.encapsulate(publicKey), count };
  };
  const first = await run();
  assertEquals(await run(), first);
  assertEquals(first.count, 2);
});
