/**
 * Messages between a module's thread and its host: the length of a JSON text (4 bytes, big-endian), the text, and the
 * byte arrays that its member `parts` gives the lengths of.
 *
 * @module
 */
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../crypto/encoding.ts";

const MAX_PARTS = 4_096;

export interface Packed {
  readonly message: Readonly<Record<string, unknown>>;
  readonly parts: readonly Uint8Array[];
}

/** @param parts Copied. */
export function pack(
  message: Readonly<Record<string, unknown>>,
  parts: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  const text = encodeUtf8(JSON.stringify({ ...message, parts: parts.map((part) => part.length) }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length);
  return concatBytes(length, text, ...parts);
}

/** @returns `null` for bytes of another form. The parts share the memory of `bytes`. */
export function unpack(bytes: Uint8Array): Packed | null {
  if (bytes.length < 4) return null;
  const textLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (textLength > bytes.length - 4) return null;
  const message = readObject(bytes.subarray(4, 4 + textLength));
  if (message === null) return null;
  const { parts: lengths, ...rest } = message;
  if (!Array.isArray(lengths) || lengths.length > MAX_PARTS) return null;
  const parts: Uint8Array[] = [];
  let at = 4 + textLength;
  for (const length of lengths) {
    if (!Number.isSafeInteger(length) || length < 0 || length > bytes.length - at) return null;
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return at === bytes.length ? { message: rest, parts } : null;
}

function readObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}
