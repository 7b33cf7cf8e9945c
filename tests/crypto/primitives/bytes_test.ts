import { assertEquals, assertThrows } from "@std/assert";
import { assertBytes, equalBytes, wipe, xorInto } from "../../../crypto/primitives/bytes.ts";
import { repeated } from "../../vectors/read_vectors.ts";

Deno.test("assertBytes() names the sizes and nothing of the content", () => {
  assertBytes(repeated(7), 32, "a key");
  const error = assertThrows(() => assertBytes(repeated(7, 31), 32, "a key"), RangeError);
  assertEquals(error.message, "Expected a key of 32 bytes, received 31");
});

Deno.test("equalBytes() compares length and content", () => {
  assertEquals(equalBytes(repeated(1), repeated(1)), true);
  assertEquals(equalBytes(repeated(1), repeated(1, 31)), false);
  assertEquals(equalBytes(new Uint8Array(0), new Uint8Array(0)), true);
  for (const at of [0, 15, 31]) {
    const other = repeated(1);
    other[at] = 2;
    assertEquals(equalBytes(repeated(1), other), false);
  }
});

Deno.test("wipe() overwrites all and skips what is not there", () => {
  const [a, b] = [repeated(1, 3), repeated(2, 2)];
  wipe(a, null, undefined, b);
  assertEquals([...a, ...b], [0, 0, 0, 0, 0]);
});

Deno.test("xorInto() adds a mask and refuses a shorter one", () => {
  const target = Uint8Array.of(1, 2, 3);
  xorInto(target, Uint8Array.of(1, 1, 1, 9));
  assertEquals(target, Uint8Array.of(0, 3, 2));
  assertThrows(() => xorInto(target, Uint8Array.of(1, 1)), RangeError);
});
