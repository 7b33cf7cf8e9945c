import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { compareRecords } from "../../protocol/record.ts";

interface Ordered {
  readonly text: string;
  readonly payload: { readonly seq: number };
}

function ordered(seq: number, text: string): Ordered {
  return { text, payload: { seq } };
}

const anyRecord = fc.record({
  text: fc.stringMatching(/^[A-Za-z0-9._-]{1,4}$/),
  payload: fc.record({ seq: fc.oneof(fc.constantFrom(0, 1, 2 ** 53 - 1), fc.nat(3)) }),
});

function newest(records: readonly Ordered[]): Ordered {
  return records.reduce((best, next) => (compareRecords(best, next) < 0 ? next : best));
}

Deno.test("compareRecords() puts the higher seq last, whatever the text", () => {
  assertLess(compareRecords(ordered(1, "z"), ordered(2, "a")), 0);
  assertGreater(compareRecords(ordered(2 ** 53 - 1, "a"), ordered(2 ** 53 - 2, "z")), 0);
});

Deno.test("compareRecords() compares texts bytewise at equal seq", () => {
  // "-" < "." < "A" < "_" < "a" in ASCII; a locale's order differs.
  for (const [low, high] of [["-", "."], ["Z", "a"], ["_", "a"], ["9", "A"], ["a", "aa"]]) {
    assertLess(compareRecords(ordered(5, low!), ordered(5, high!)), 0);
    assertGreater(compareRecords(ordered(5, high!), ordered(5, low!)), 0);
  }
  assertEquals(compareRecords(ordered(5, "a"), ordered(5, "a")), 0);
});

Deno.test("compareRecords() is antisymmetric and agrees with the bytes of the texts", () => {
  fc.assert(fc.property(anyRecord, anyRecord, (one, other) => {
    const order = Math.sign(compareRecords(one, other));
    assertEquals(order, 0 - Math.sign(compareRecords(other, one)) + 0);
    if (one.payload.seq !== other.payload.seq) {
      assertEquals(order, Math.sign(one.payload.seq - other.payload.seq));
      return;
    }
    const [x, y] = [encodeUtf8(one.text), encodeUtf8(other.text)];
    const at = x.findIndex((byte, i) => byte !== y[i]);
    const bytewise = at < 0 ? x.length - y.length : x[at]! - (y[at] ?? -1);
    assertEquals(order, Math.sign(bytewise));
  }));
});

Deno.test("compareRecords() picks the same newest record in any order of arrival", () => {
  const records = fc.array(anyRecord, { minLength: 1, maxLength: 6 });
  const shuffled = records.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))
  );
  fc.assert(fc.property(shuffled, ([list, other]) => {
    const [x, y] = [newest(list), newest(other)];
    assert(compareRecords(x, y) === 0);
    assertEquals(x.text, y.text);
  }));
});
