/**
 * Writing more than a stream takes at once.
 *
 * @module
 */

/** Writes all bytes, in as many parts as it takes. @throws What the stream does; a part may be written then. */
export async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}
