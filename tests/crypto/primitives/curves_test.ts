import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DhKey,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  SigningKey,
  Verifier,
  x25519,
  x25519PublicKey,
} from "../../../crypto/primitives/curves.ts";
import { encodeNodeId, encodeUtf8, isSmallOrderKey } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import rfc7748 from "../../vectors/rfc7748.json" with { type: "json" };
import rfc8032 from "../../vectors/rfc8032.json" with { type: "json" };
import fixed from "../../vectors/tokens.json" with { type: "json" };
import { fromHex, readSharedVectors, repeated, toHex } from "../../vectors/read_vectors.ts";

function assertHandshakeFailed(work: () => unknown): void {
  assertEquals(assertThrows(work, CryptoError).code, "handshake_failed");
}

Deno.test("ed25519Sign() and ed25519Verify() pass RFC 8032", () => {
  for (const vector of rfc8032) {
    const [seed, message] = [fromHex(vector.seed), fromHex(vector.message)];
    const [publicKey, signature] = [fromHex(vector.publicKey), fromHex(vector.signature)];
    assertEquals(ed25519PublicKey(seed), publicKey);
    assertEquals(ed25519Sign(seed, message), signature);
    assertEquals(ed25519Sign(SigningKey.fromSeed(seed), message), signature);
    assert(ed25519Verify(publicKey, message, signature));
    assertEquals(ed25519Verify(publicKey, encodeUtf8("another"), signature), false);
  }
});

interface EddsaVectors {
  testGroups: {
    publicKey: { pk: string };
    tests: { tcId: number; msg: string; sig: string; result: string }[];
  }[];
}
const eddsaVectors = readSharedVectors<EddsaVectors>("ed25519_test.json");

Deno.test({
  name: "ed25519Verify() and Verifier pass Wycheproof, expected failures included",
  ignore: eddsaVectors === null,
  fn() {
    const verifier = new Verifier();
    let count = 0;
    for (const group of eddsaVectors!.testGroups) {
      const publicKey = fromHex(group.publicKey.pk);
      for (const test of group.tests) {
        const [message, signature] = [fromHex(test.msg), fromHex(test.sig)];
        const expected = test.result === "valid";
        assertEquals(ed25519Verify(publicKey, message, signature), expected, `test ${test.tcId}`);
        assertEquals(verifier.verify(publicKey, message, signature), expected);
        count++;
      }
    }
    assertEquals(count, 151);
  },
});

Deno.test("ed25519Verify() refuses keys of small order, with which any signature would hold", () => {
  // R = the neutral point, S = 0.
  const signature = fromHex("01" + "00".repeat(63));
  const verifier = new Verifier();
  for (const hex of fixed.smallOrderKeys) {
    for (const signBit of [0, 0x80]) {
      const key = fromHex(hex);
      key[31]! |= signBit;
      assert(isSmallOrderKey(key));
      for (let i = 0; i < 20; i++) {
        assertEquals(ed25519Verify(key, Uint8Array.of(i), signature), false);
        assertEquals(verifier.verify(key, Uint8Array.of(i), signature), false);
      }
      assertThrows(() => encodeNodeId(key), RangeError);
    }
  }
});

Deno.test("ed25519Verify() is false for malformed keys and signatures", () => {
  const key = SigningKey.fromSeed(repeated(1));
  const message = encodeUtf8("m");
  const signature = key.sign(message);
  assert(ed25519Verify(key.publicKey, message, signature));
  assertEquals(ed25519Verify(key.publicKey.slice(1), message, signature), false);
  assertEquals(ed25519Verify(key.publicKey, message, signature.slice(1)), false);
  // y = 2 is not on the curve.
  const offCurve = fromHex("02" + "00".repeat(31));
  assertEquals(ed25519Verify(offCurve, message, signature), false);
});

Deno.test("Verifier answers rightly when it holds fewer keys than it is asked for", () => {
  const verifier = new Verifier(2);
  const keys = [1, 2, 3, 4].map((byte) => SigningKey.fromSeed(repeated(byte)));
  const message = encodeUtf8("m");
  for (let round = 0; round < 3; round++) {
    for (const [i, key] of keys.entries()) {
      assert(verifier.verify(key.publicKey, message, key.sign(message)));
      const other = keys[(i + 1) % keys.length]!;
      assertEquals(verifier.verify(key.publicKey, message, other.sign(message)), false);
    }
  }
});

Deno.test("node ids are those of the fixed values", () => {
  for (const { seedByte, id } of fixed.nodeIds) {
    assertEquals(encodeNodeId(ed25519PublicKey(repeated(seedByte))), id);
  }
});

Deno.test("x25519() passes the vectors and the key exchange of RFC 7748", () => {
  for (const { scalar, u, output } of rfc7748.functions) {
    assertEquals(toHex(x25519(fromHex(scalar), fromHex(u))), output);
  }
  const { privateA, publicA, privateB, publicB, shared } = rfc7748.exchange;
  assertEquals(toHex(x25519PublicKey(fromHex(privateA))), publicA);
  assertEquals(toHex(x25519PublicKey(fromHex(privateB))), publicB);
  assertEquals(toHex(x25519(fromHex(privateA), fromHex(publicB))), shared);
  assertEquals(toHex(DhKey.fromPrivate(fromHex(privateB)).dh(fromHex(publicA))), shared);
});

Deno.test("x25519() passes the iterations of RFC 7748", () => {
  let k = fromHex("09" + "00".repeat(31));
  let u = k;
  for (let count = 1; count <= 1000; count++) {
    [k, u] = [x25519(k, u), k];
    const expected = rfc7748.iterations.find((iteration) => iteration.count === count);
    if (expected !== undefined) assertEquals(toHex(k), expected.k);
  }
});

interface XdhVectors {
  testGroups: {
    tests: { tcId: number; public: string; private: string; shared: string; flags: string[] }[];
  }[];
}
const xdhVectors = readSharedVectors<XdhVectors>("x25519_test.json");

Deno.test({
  name: "x25519() passes Wycheproof, all-zero secrets refused",
  ignore: xdhVectors === null,
  fn() {
    let [count, refused] = [0, 0];
    for (const test of xdhVectors!.testGroups.flatMap((group) => group.tests)) {
      const compute = () => x25519(fromHex(test.private), fromHex(test.public));
      if (test.flags.includes("ZeroSharedSecret")) {
        assertHandshakeFailed(compute);
        refused++;
      } else {
        assertEquals(toHex(compute()), test.shared, `test ${test.tcId}`);
      }
      count++;
    }
    assertEquals(count, 518);
    assert(refused >= 30);
  },
});

/** The five canonical encodings of low order, and three that are not canonical. */
const LOW_ORDER_KEYS = [
  "00".repeat(32),
  "01" + "00".repeat(31),
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ec" + "ff".repeat(30) + "7f",
  "ed" + "ff".repeat(30) + "7f",
  "ee" + "ff".repeat(30) + "7f",
  "00".repeat(31) + "80",
];

Deno.test("x25519() ends in handshake_failed on every key of low order", () => {
  for (const key of LOW_ORDER_KEYS) assertHandshakeFailed(() => x25519(repeated(7), fromHex(key)));
});

Deno.test("keys of a wrong length are refused, wiped keys are of no use", () => {
  assertThrows(() => SigningKey.fromSeed(repeated(1, 31)), RangeError);
  assertThrows(() => DhKey.fromPrivate(repeated(1, 33)), RangeError);
  const dhKey = DhKey.fromPrivate(repeated(1));
  assertThrows(() => dhKey.dh(repeated(9, 31)), RangeError);
  dhKey.wipe();
  assertEquals(assertThrows(() => dhKey.dh(repeated(9)), CryptoError).code, "key_unknown");
  const signingKey = SigningKey.fromSeed(repeated(1));
  signingKey.wipe();
  assertEquals(
    assertThrows(() => signingKey.sign(repeated(1)), CryptoError).code,
    "key_unknown",
  );
});
