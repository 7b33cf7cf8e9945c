import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { decodeBase32, encodeBase32 } from "../../protocol/base32.ts";

/** RFC 4648 §10, without the padding. */
const VECTORS = [
  ["", ""],
  ["f", "my"],
  ["fo", "mzxq"],
  ["foo", "mzxw6"],
  ["foob", "mzxw6yq"],
  ["fooba", "mzxw6ytb"],
  ["foobar", "mzxw6ytboi"],
] as const;

Deno.test("base32 is that of RFC 4648, read in either case", () => {
  for (const [text, base32] of VECTORS) {
    assertEquals(encodeBase32(encodeUtf8(text)), base32);
    assertEquals(decodeBase32(base32.toUpperCase()), encodeUtf8(text));
  }
});

Deno.test("decodeBase32() refuses spare bits, lengths and signs that no bytes have", () => {
  for (const text of ["a", "aaa", "aaaaaa", "mz", "my======", "m1", "mzx ", "ﬁ"]) {
    assertEquals(decodeBase32(text), null, text);
  }
});

Deno.test("decodeBase32() reads what encodeBase32() writes, and nothing else", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assertEquals(decodeBase32(encodeBase32(bytes)), Uint8Array.from(bytes));
  }));
  fc.assert(fc.property(fc.stringMatching(/^[a-z2-7]{0,40}$/), (text) => {
    const bytes = decodeBase32(text);
    if (bytes !== null) assertEquals(encodeBase32(bytes), text);
  }));
});
