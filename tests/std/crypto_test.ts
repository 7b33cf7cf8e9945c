import { assert, assertThrows } from "@std/assert";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

Deno.test("timingSafeEqual() compares views and buffers", () => {
  const bytes = new Uint8Array([9, 1, 2, 3]);
  assert(timingSafeEqual(bytes.subarray(1), new Uint8Array([1, 2, 3])));
  assert(timingSafeEqual(bytes.buffer, new DataView(bytes.buffer)));
  assert(timingSafeEqual(new Uint8Array(), new ArrayBuffer(0)));
  assert(!timingSafeEqual(bytes, new Uint8Array([9, 1, 2, 4])));
  const shared = new SharedArrayBuffer(4);
  assert(!timingSafeEqual(bytes, shared));
  new Uint8Array(shared).set(bytes);
  assert(timingSafeEqual(bytes, shared));
  assert(timingSafeEqual(bytes.subarray(2), new Uint8Array(shared, 2)));
});

Deno.test("timingSafeEqual() throws on different lengths", () => {
  const [one, two] = [new Uint8Array(1), new Uint16Array(1)];
  assertThrows(
    () => timingSafeEqual(two, one),
    TypeError,
    "Cannot compare buffers of different byte lengths (2 vs 1)",
  );
  assertThrows(() => timingSafeEqual(one, two.buffer), TypeError, "(1 vs 2)");
});
