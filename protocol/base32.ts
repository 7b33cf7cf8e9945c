/**
 * Base32 of RFC 4648 without padding, for what people may have to type.
 *
 * @module
 */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const BITS = 5;

/** Writes bytes in small letters. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(held << (BITS - bits)) & 31];
}

/**
 * Reads letters of either case.
 * @returns `null` for text that is the base32 of no bytes: other signs, a length that cannot be, spare bits that are set.
 */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(Math.floor(text.length * BITS / 8));
  if (text.length !== Math.ceil(bytes.length * 8 / BITS)) return null;
  let held = 0;
  let bits = 0;
  let length = 0;
  for (const letter of text.toLowerCase()) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    held = (held << BITS) | value;
    bits += BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  return held === 0 ? bytes : null;
}
