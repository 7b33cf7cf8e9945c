import { assert, assertFalse } from "@std/assert";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

Deno.test("timingSafeEqual() compares views, buffers and other lengths", () => {
  const bytes = new Uint8Array([9, 1, 2, 3]);
  assert(timingSafeEqual(bytes.subarray(1), new Uint8Array([1, 2, 3])));
  assert(timingSafeEqual(bytes.buffer, new DataView(bytes.buffer)));
  assert(timingSafeEqual(new Uint8Array(), new ArrayBuffer(0)));
  assertFalse(timingSafeEqual(bytes, new Uint8Array([9, 1, 2, 4])));
  assertFalse(timingSafeEqual(bytes, bytes.subarray(1)));
});
