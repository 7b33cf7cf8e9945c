/**
 * Stand-in for `jsr:@std/crypto/timing-safe-equal`.
 *
 * @module
 */
import { timingSafeEqual as compareBytes } from "node:crypto";

function toBytes(value: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/**
 * Compares bytes in a time that depends on their length only.
 * @throws {TypeError} On different lengths.
 */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike,
  b: ArrayBufferView | ArrayBufferLike,
): boolean {
  if (a.byteLength !== b.byteLength) {
    throw new TypeError(
      `Cannot compare buffers of different byte lengths (${a.byteLength} vs ${b.byteLength})`,
    );
  }
  return compareBytes(toBytes(a), toBytes(b));
}
