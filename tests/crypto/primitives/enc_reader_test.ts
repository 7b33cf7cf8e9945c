import { assertEquals, assertThrows } from "@std/assert";
import { EncReader } from "../../../crypto/primitives/enc_reader.ts";
import { enc } from "../../../crypto/encoding.ts";

const LONG = "long enough for the decoder, and with an ümlaut";

Deno.test("EncReader reads what enc() wrote", () => {
  const reader = new EncReader(enc("beta", "", "ü", LONG, Uint8Array.of(1, 2), 2 ** 53 - 1, 0));
  assertEquals([reader.text(), reader.text(), reader.text(), reader.text()], [
    "beta",
    "",
    "ü",
    LONG,
  ]);
  assertEquals(reader.bytes(), Uint8Array.of(1, 2));
  assertEquals([reader.integer(), reader.atEnd], [2 ** 53 - 1, false]);
  assertEquals([reader.integer(), reader.atEnd], [0, true]);
});

Deno.test("EncReader reads a part of a larger buffer", () => {
  const bytes = enc("before", "mine");
  const reader = new EncReader(bytes.subarray(10));
  assertEquals([reader.text(), reader.atEnd], ["mine", true]);
});

Deno.test("EncReader refuses bytes that end within an item, and items of another kind", () => {
  const bytes = enc("text");
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => new EncReader(bytes.subarray(0, length)).bytes(), RangeError);
  }
  assertThrows(() => new EncReader(enc("text")).integer(), RangeError);
  assertThrows(() => new EncReader(enc(Uint8Array.of(0xff))).text(), TypeError);
  assertThrows(() => new EncReader(enc(new Uint8Array(40).fill(0xff))).text(), TypeError);
});
