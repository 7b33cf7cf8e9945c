/**
 * Stand-in for `jsr:@std/crypto/timing-safe-equal`.
 *
 * @module
 */
import { timingSafeEqual as compareBytes } from "node:crypto";

function toBytes(value: ArrayBufferView | ArrayBufferLike | DataView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Compares bytes in a time that depends on their length only. Other lengths are never equal. */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike | DataView,
  b: ArrayBufferView | ArrayBufferLike | DataView,
): boolean {
  return a.byteLength === b.byteLength && compareBytes(toBytes(a), toBytes(b));
}
