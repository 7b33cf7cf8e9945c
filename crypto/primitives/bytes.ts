/**
 * Checks, comparisons and wiping of byte arrays.
 *
 * @module
 */
/** @throws {RangeError} If `bytes` is not `length` bytes long; the message never holds content. */
export function assertBytes(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) {
    throw new RangeError(`Expected ${name} of ${length} bytes, received ${bytes.length}`);
  }
}

/** Overwrites secrets with zeros. Best effort: copies the runtime made are out of reach. */
export function wipe(...arrays: readonly (Uint8Array | null | undefined)[]): void {
  for (const array of arrays) array?.fill(0);
}

/**
 * Compares in a time that depends on the lengths only. Deno's `timingSafeEqual` is this loop too,
 * behind a DataView that makes it ten times slower.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/**
 * Adds `mask` (at least as long) to `target` in place, bit by bit.
 * @throws {RangeError} If `mask` is shorter than `target`.
 */
export function xorInto(target: Uint8Array, mask: Uint8Array): void {
  if (mask.length < target.length) {
    throw new RangeError(`Expected a mask of ${target.length} bytes, received ${mask.length}`);
  }
  for (let i = 0; i < target.length; i++) target[i]! ^= mask[i]!;
}
