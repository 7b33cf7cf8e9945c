import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { enc } from "../../../crypto/encoding.ts";
import { EncWriter } from "../../../crypto/primitives/enc_writer.ts";
import { toHex } from "../../vectors/read_vectors.ts";
import { anyCodePoint } from "../../world/any_code_point.ts";

type Item = string | number | Uint8Array;

function write(writer: EncWriter, items: readonly Item[]): EncWriter {
  for (const item of items) {
    if (typeof item === "string") writer.text(item);
    else if (typeof item === "number") writer.integer(item);
    else writer.bytes(item);
  }
  return writer;
}

Deno.test("EncWriter writes the fixed example", () => {
  const view = new EncWriter().text("a").integer(1).bytes(Uint8Array.of(3, 3)).view();
  assertEquals(toHex(view), "000000016100000008000000000000000100000002" + "0303");
});

Deno.test("EncWriter writes what enc() does, nested items too, when used again", () => {
  const writer = new EncWriter();
  const item = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 300 }),
    fc.constantFrom("é", "\x7f", "\x80ÿ", "€", "😀", "\ud800"),
    fc.maxSafeNat(),
    fc.uint8Array({ maxLength: 700, size: "medium" }),
  );
  const items = fc.array(item, { maxLength: 5 });
  fc.assert(fc.property(items, items, (outer, inner) => {
    write(writer.begin(), outer).nested((nested) => write(nested, inner));
    assertEquals(toHex(writer.view()), toHex(enc(...outer, enc(...inner))));
  }));
});

Deno.test("EncWriter.raw() adds bytes without a length", () => {
  const view = new EncWriter().text("a").raw(Uint8Array.of(1, 2, 3, 4), 1, 3).view();
  assertEquals(toHex(view), "0000000161" + "0203");
});

Deno.test("EncWriter.integer() refuses what is not an integer from 0 to 2^53 - 1", () => {
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => new EncWriter().integer(value), RangeError);
  }
});
