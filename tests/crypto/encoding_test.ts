import { assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { base58 } from "@scure/base";
import {
  concatBytes,
  decodeBase64Url,
  decodeNodeId,
  decodeUtf8,
  enc,
  type EncItem,
  encodeBase64Url,
  encodeNodeId,
  encodeUtf8,
  isNodeId,
  isSmallOrderKey,
} from "../../crypto/encoding.ts";
import { hexBytes, readFixedValues } from "../docs/protocol_markdown.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

const smallOrderKeys = [...readFixedValues().get("small-order")!.values()].map(hexBytes);
const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => new Uint8Array(key))
  .filter((key) => !isSmallOrderKey(key));

/** The text that a key would have as a node id, checks left out. */
function rawNodeId(key: Uint8Array, codec: readonly number[] = [0xed, 0x01]): string {
  return "z" + base58.encode(Uint8Array.of(...codec, ...key));
}

function withSignBit(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const signed = new Uint8Array(key);
  signed[31] = signed[31]! | 0x80;
  return signed;
}

function readEnc(encoded: Uint8Array): Uint8Array[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  const items: Uint8Array[] = [];
  for (let at = 0; at < encoded.length; at += 4 + items.at(-1)!.length) {
    items.push(encoded.slice(at + 4, at + 4 + view.getUint32(at)));
  }
  return items;
}

Deno.test("enc() writes text as UTF-8, integers as 8 bytes and nothing as nothing", () => {
  assertEquals(enc(), new Uint8Array());
  assertEquals(enc(""), hexBytes("00000000"));
  assertEquals(enc("é"), hexBytes("00000002 c3a9"));
  assertEquals(enc(2 ** 53 - 1), hexBytes("00000008 001fffffffffffff"));
  assertEquals(enc(0), hexBytes("00000008 00×8"));
});

Deno.test("enc() refuses numbers that are not integers from 0 to 2^53 - 1", () => {
  for (const item of [-1, 0.5, 2 ** 53, NaN, Infinity]) assertThrows(() => enc(item), RangeError);
});

Deno.test("enc() can be read back item by item", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 70 })), (items) => {
    assertEquals(readEnc(enc(...items)), items.map((item) => new Uint8Array(item)));
  }));
});

Deno.test("enc() gives different lists different bytes", () => {
  const lists = fc.array(fc.stringMatching(/^[ab]{0,2}$/), { maxLength: 3 });
  fc.assert(fc.property(lists, lists, (one, other) => {
    fc.pre(JSON.stringify(one) !== JSON.stringify(other));
    assertNotEquals(enc(...one as EncItem[]), enc(...other as EncItem[]));
  }));
});

Deno.test("enc() takes a view of a larger buffer as that view", () => {
  const whole = Uint8Array.of(9, 3, 3, 9);
  assertEquals(enc(whole.subarray(1, 3)), hexBytes("00000002 0303"));
});

Deno.test("concatBytes() joins in order into new memory", () => {
  const part = Uint8Array.of(1, 2);
  const joined = concatBytes(part, new Uint8Array(), Uint8Array.of(3));
  part.fill(0);
  assertEquals(joined, Uint8Array.of(1, 2, 3));
});

Deno.test("decodeUtf8() refuses malformed bytes and keeps a byte order mark", () => {
  for (const hex of ["ff", "c080", "eda080", "e282", "f4908080", "80"]) {
    assertThrows(() => decodeUtf8(hexBytes(hex)), TypeError);
  }
  assertStrictEquals(decodeUtf8(hexBytes("efbbbf 41")), "\ufeffA");
});

Deno.test("decodeUtf8() undoes encodeUtf8()", () => {
  fc.assert(fc.property(fc.string({ unit: anyCodePoint }), (text) => {
    assertStrictEquals(decodeUtf8(encodeUtf8(text)), text);
  }));
});

Deno.test("decodeBase64Url() undoes encodeBase64Url(), also for a view", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const framed = Uint8Array.of(7, ...bytes, 7);
    const text = encodeBase64Url(framed.subarray(1, -1));
    assertEquals(decodeBase64Url(text), new Uint8Array(bytes));
  }));
});

Deno.test("decodeBase64Url() takes one text for each byte string", () => {
  assertEquals(decodeBase64Url("QQ"), Uint8Array.of(0x41));
  for (
    const text of [
      "QR",
      "QQ=",
      "QQ==",
      "Q",
      "QQQQQ",
      "Q Q",
      "QQ\n",
      "+A",
      "/A",
      "QUE=",
      "QUF",
      "é",
      "\0",
    ]
  ) {
    assertStrictEquals(decodeBase64Url(text), null, text);
  }
});

Deno.test("decodeBase64Url() returns null or what encodes to the text, and never throws", () => {
  const almost = fc.stringMatching(/^[A-Za-z0-9_+/=-]{0,9}$/);
  fc.assert(fc.property(fc.oneof(fc.string({ unit: anyCodePoint }), almost), (text) => {
    const bytes = decodeBase64Url(text);
    if (bytes !== null) assertStrictEquals(encodeBase64Url(bytes), text);
  }));
});

Deno.test("decodeNodeId() undoes encodeNodeId()", () => {
  fc.assert(fc.property(anyKey, (key) => {
    const id = encodeNodeId(key);
    assertEquals(decodeNodeId(id), key);
    assertStrictEquals(id, rawNodeId(key));
  }));
});

Deno.test("node ids refuse all seven small-order keys, with either sign bit", () => {
  assertEquals(smallOrderKeys.length, 7);
  for (const key of smallOrderKeys.flatMap((cleared) => [cleared, withSignBit(cleared)])) {
    assertStrictEquals(isSmallOrderKey(key), true);
    assertThrows(() => encodeNodeId(key), RangeError);
    assertStrictEquals(decodeNodeId(rawNodeId(key)), null);
    assertStrictEquals(isNodeId(rawNodeId(key)), false);
  }
});

Deno.test("node ids take the neighbours of small-order keys", () => {
  for (const key of smallOrderKeys) {
    const neighbour = new Uint8Array(key);
    neighbour[1] = neighbour[1]! ^ 1;
    assertStrictEquals(isNodeId(rawNodeId(neighbour)), true);
  }
});

Deno.test("isSmallOrderKey() leaves its argument as it was", () => {
  const key = new Uint8Array(32).fill(0xff);
  isSmallOrderKey(key);
  assertEquals(key, new Uint8Array(32).fill(0xff));
});

Deno.test("encodeNodeId() refuses a key of another length", () => {
  for (const length of [0, 31, 33, 34]) {
    assertThrows(() => encodeNodeId(new Uint8Array(length).fill(5)), RangeError);
  }
});

Deno.test("decodeNodeId() refuses another codec, length, prefix or alphabet", () => {
  const key = new Uint8Array(32).fill(5);
  const id = encodeNodeId(key);
  const texts = [
    rawNodeId(key, [0xec, 0x01]),
    rawNodeId(key, [0xed, 0x02]),
    rawNodeId(key, [0xed]),
    rawNodeId(key, [0xed, 0x01, 0x00]),
    rawNodeId(key, [0x00, 0xed, 0x01]),
    id.slice(1),
    `Z${id.slice(1)}`,
    `z${id}`,
    "",
    "z",
    `did:key:${id}`,
    ...["0", "O", "I", "l", " ", "\n", "é"].map((digit) => id + digit),
    ...["0", "O", "I", "l"].map((digit) => id.slice(0, -1) + digit),
  ];
  for (const text of texts) assertStrictEquals(decodeNodeId(text), null, text);
});

Deno.test("decodeNodeId() refuses base58 that is not in its one form", () => {
  const id = encodeNodeId(new Uint8Array(32).fill(5));
  // A leading 1 is a leading zero byte: another byte string, or the same one written longer.
  for (const text of [`z1${id.slice(1)}`, `z${"1".repeat(16)}${id.slice(1)}`, ` ${id}`, `${id} `]) {
    assertStrictEquals(decodeNodeId(text), null, text);
  }
});

Deno.test("decodeNodeId() refuses a long text without decoding it", () => {
  assertStrictEquals(decodeNodeId("z" + "2".repeat(1_000_000)), null);
});

Deno.test("decodeNodeId() returns null or what encodes to the text, and never throws", () => {
  const almost = fc.stringMatching(/^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
  fc.assert(fc.property(fc.oneof(fc.string({ unit: anyCodePoint }), almost), (text) => {
    const key = decodeNodeId(text);
    if (key !== null) assertStrictEquals(encodeNodeId(key), text);
  }));
});

Deno.test("isNodeId() tells without decoding what decodeNodeId() reads", () => {
  const agree = (text: string) =>
    assertStrictEquals(isNodeId(text), decodeNodeId(text) !== null, text);
  const ends = [
    new Uint8Array(32),
    new Uint8Array(32).fill(0xff),
    Uint8Array.of(1, ...Array(31).fill(0)),
  ];
  for (const key of [...ends, ...smallOrderKeys, ...smallOrderKeys.map(withSignBit)]) {
    // The codecs on either side, and keys of other lengths.
    for (const codec of [[0xed, 0x01], [0xed, 0x00], [0xed, 0x02], [0xec, 0xff], [0xed]]) {
      agree(rawNodeId(key, codec));
    }
  }
  const almost = fc.stringMatching(/^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
  const near = fc.stringMatching(/^z6M[i-m][0-9A-Za-z]{43,45}$/);
  fc.assert(fc.property(fc.oneof(fc.string({ unit: anyCodePoint }), almost, near), agree));
  fc.assert(fc.property(anyKey, (key) => agree(rawNodeId(key))));
});

Deno.test("decodeNodeId() gives one changed character another key or none", () => {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  const id = encodeNodeId(new Uint8Array(32).fill(5));
  const change = fc.record({ at: fc.nat(id.length - 1), digit: fc.constantFrom(...alphabet) });
  fc.assert(fc.property(change, ({ at, digit }) => {
    fc.pre(id[at] !== digit);
    const key = decodeNodeId(id.slice(0, at) + digit + id.slice(at + 1));
    assertNotEquals(key, new Uint8Array(32).fill(5));
  }));
});
