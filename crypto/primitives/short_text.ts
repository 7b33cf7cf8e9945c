/**
 * Short texts out of bytes, quicker than by a decoder's call.
 *
 * @module
 */
import { decodeUtf8 } from "../encoding.ts";

/** Up to here a loop is quicker than the decoder's call; what it makes of more is a rope, slow and large. */
const SHORT_TEXT_BYTES = 12;

/** The text of some bytes, or `null` if they are more than twelve, or not all ASCII: then a decoder has to read them. */
export function readShortText(bytes: Uint8Array, start: number, end: number): string | null {
  if (end - start > SHORT_TEXT_BYTES) return null;
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte > 0x7f) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * The text of some bytes, which are UTF-8.
 * @throws {TypeError} If they are not.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  return readShortText(bytes, start, end) ?? decodeUtf8(bytes.subarray(start, end));
}
