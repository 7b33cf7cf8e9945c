import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { argon2id, Hashes } from "../../../crypto/primitives/hashes.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import rfc5869 from "../../vectors/rfc5869.json" with { type: "json" };
import { fromHex, readSharedVectors, repeated, toHex } from "../../vectors/read_vectors.ts";

const hashes = await Hashes.create();

Deno.test("sha256() hashes all parts as one message", () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(toHex(hashes.sha256(encodeUtf8("abc"))), expected);
  assertEquals(toHex(hashes.sha256(encodeUtf8("a"), encodeUtf8(""), encodeUtf8("bc"))), expected);
});

Deno.test("sha256() and hmacSha256() agree with node:crypto on any parts", () => {
  const part = fc.uint8Array({ maxLength: 700 });
  fc.assert(fc.property(part, fc.array(part, { maxLength: 4 }), (key, parts) => {
    const hash = createHash("sha256");
    const hmac = createHmac("sha256", key);
    for (const each of parts) {
      hash.update(each);
      hmac.update(each);
    }
    assertEquals(toHex(hashes.sha256(...parts)), toHex(hash.digest()));
    assertEquals(toHex(hashes.hmacSha256(key, ...parts)), toHex(hmac.digest()));
  }));
});

Deno.test("blake3() gives the published extended output", () => {
  const expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" +
    "e00f03e7b69af26b7faaf09fcd333050338ddfe085b8cc869ca98b206c08243a" +
    "26f5487789e8f660afe6c99ef9e0c52b92e7393024a80459cf91f476f9ffdbda" +
    "7001c22e159b402631f277ca96f2defdf1078282314e763699a31c5363165421cce14d";
  for (const length of [1, 31, 32, 33, 131]) {
    assertEquals(toHex(hashes.blake3(new Uint8Array(0), length)), expected.slice(0, 2 * length));
  }
});

Deno.test("blake3() gives prefixes of one stream at every length", () => {
  const longest = hashes.blake3(repeated(7, 5000), 16_384);
  for (const length of [1, 32, 64, 320, 321, 1000, 16_384]) {
    assertEquals(hashes.blake3(repeated(7, 5000), length), longest.slice(0, length));
  }
});

Deno.test("blake3() refuses lengths it cannot give", () => {
  for (const length of [0, -1, 1.5, NaN, 16_385]) {
    assertThrows(() => hashes.blake3(new Uint8Array(1), length), RangeError);
  }
});

Deno.test("hkdfExtract() and hkdfExpand() pass RFC 5869", () => {
  for (const vector of rfc5869) {
    const prk = hashes.hkdfExtract(fromHex(vector.salt), fromHex(vector.ikm));
    assertEquals(toHex(prk), vector.prk);
    assertEquals(toHex(hashes.hkdfExpand(prk, fromHex(vector.info), vector.length)), vector.okm);
  }
});

interface HkdfVectors {
  testGroups: {
    tests: { ikm: string; salt: string; info: string; size: number; okm: string; result: string }[];
  }[];
}
const hkdfVectors = readSharedVectors<HkdfVectors>("hkdf_sha256_test.json");

Deno.test({
  name: "hkdfExpand() passes Wycheproof, too long outputs refused",
  ignore: hkdfVectors === null,
  fn() {
    let count = 0;
    for (const test of hkdfVectors!.testGroups.flatMap((group) => group.tests)) {
      const prk = hashes.hkdfExtract(fromHex(test.salt), fromHex(test.ikm));
      const expand = () => hashes.hkdfExpand(prk, fromHex(test.info), test.size);
      if (test.result === "valid") assertEquals(toHex(expand()), test.okm);
      else assertThrows(expand, RangeError);
      count++;
    }
    assertEquals(count, 86);
  },
});

Deno.test("hkdfExpand() refuses a key that is not 32 bytes", () => {
  assertThrows(() => hashes.hkdfExpand(repeated(1, 31), repeated(1), 32), RangeError);
});

Deno.test("argon2id() gives the reference implementation's result", async () => {
  const options = {
    secret: encodeUtf8("password"),
    salt: encodeUtf8("somesalt"),
    memoryKiB: 256,
    passes: 2,
    length: 32,
  };
  assertEquals(
    toHex(await argon2id(options)),
    "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
  );
  await assertRejects(() => argon2id({ ...options, salt: repeated(1, 7) }), Error);
});
