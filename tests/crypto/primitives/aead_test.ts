import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createAeads, createNobleChacha } from "../../../crypto/primitives/aead.ts";
import rfc8439 from "../../vectors/rfc8439.json" with { type: "json" };
import { fromHex, repeated, toHex } from "../../vectors/read_vectors.ts";

const { chacha20Poly1305, aes256Gcm } = createAeads();
const AEADS = Object.entries({ chacha20Poly1305, aes256Gcm, noble: createNobleChacha() });

Deno.test("ChaCha20-Poly1305 passes RFC 8439, native and in JavaScript", () => {
  for (const aead of [chacha20Poly1305, createNobleChacha()]) {
    for (const vector of rfc8439) {
      const [key, nonce, aad] = [vector.key, vector.nonce, vector.aad].map(fromHex);
      const sealed = aead.seal(key!, nonce!, aad!, fromHex(vector.plaintext));
      assertEquals(toHex(sealed), vector.ciphertext + vector.tag);
      assertEquals(toHex(aead.open(key!, nonce!, aad!, sealed)!), vector.plaintext);
    }
  }
});

Deno.test("AES-256-GCM passes test case 14 of its specification", () => {
  const sealed = aes256Gcm.seal(
    repeated(0),
    repeated(0, 12),
    new Uint8Array(0),
    repeated(0, 16),
  );
  assertEquals(
    toHex(sealed),
    "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919",
  );
});

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

for (const [name, aead] of AEADS) {
  Deno.test(`${name}.open() returns what seal() was given, and null after one flipped bit`, () => {
    fc.assert(
      fc.property(
        bytesOf(32),
        bytesOf(12),
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(),
        (key, nonce, aad, plaintext, position) => {
          const sealed = aead.seal(key, nonce, aad, plaintext);
          assertEquals(sealed.length, plaintext.length + 16);
          assertEquals(aead.open(key, nonce, aad, sealed), plaintext);
          const inPlace = Uint8Array.of(...plaintext, ...repeated(9, 16));
          aead.sealInPlace(key, nonce, aad, inPlace);
          assertEquals(inPlace, sealed);
          assert(aead.openInPlace(key, nonce, aad, inPlace));
          assertEquals(inPlace.subarray(0, plaintext.length), plaintext);
          const forged = sealed.slice();
          forged[(position >> 3) % forged.length]! ^= 1 << (position & 7);
          assertEquals(aead.open(key, nonce, aad, forged), null);
          assert(!aead.openInPlace(key, nonce, aad, forged));
          assert(forged.every((byte) => byte === 0), "what does not open is wiped");
          assertEquals(aead.open(key, nonce, Uint8Array.of(...aad, 0), sealed), null);
        },
      ),
    );
  });

  Deno.test(`${name}.open() is null for what is shorter than a tag, or cut`, () => {
    const sealed = aead.seal(repeated(1), repeated(2, 12), repeated(3), repeated(4, 40));
    for (let length = 0; length < sealed.length; length++) {
      assertEquals(
        aead.open(repeated(1), repeated(2, 12), repeated(3), sealed.subarray(0, length)),
        null,
      );
    }
  });

  Deno.test(`${name} refuses keys and nonces of a wrong length`, () => {
    const aad = new Uint8Array(0);
    assertThrows(() => aead.seal(repeated(1, 31), repeated(2, 12), aad, aad), RangeError);
    assertThrows(() => aead.seal(repeated(1), repeated(2, 11), aad, aad), RangeError);
    assertThrows(() => aead.open(repeated(1), repeated(2, 16), aad, repeated(1)), RangeError);
  });
}
