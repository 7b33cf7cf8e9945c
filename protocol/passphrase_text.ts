/**
 * Passphrases in one form, so that the same words open what they have closed, whatever keyboard, editor or system they
 * come from: UTF-8 in Unicode's composed form, every blank a space, on one line.
 *
 * @module
 * @see RFC 8265 §4.2 (OpaqueString)
 */
import { hasUnfitInvisibles } from "./invisibles.ts";

/** What a passphrase has that is to hold from now on, in bytes of its one form. */
export const MIN_NEW_PASSPHRASE_BYTES = 8;
export const MAX_PASSPHRASE_BYTES = 1024;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [[0xff, 0xfe], [0xfe, 0xff]];
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;

function beginsWith(content: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, at) => content[at] === byte);
}

/** @throws {RangeError} For what an editor has saved as UTF-16, as the one of Windows does where it is asked to. */
export function refuseUtf16(content: Uint8Array): void {
  if (UTF16_MARKS.some((mark) => beginsWith(content, mark)) || content.includes(0)) {
    throw new RangeError("this is no UTF-8 text but UTF-16, or has a NUL byte; save it as UTF-8");
  }
}

/** A secret without the mark that some editors put before a text, and the line ends that all of them put behind it. */
function lineOf(content: Uint8Array): Uint8Array {
  const start = beginsWith(content, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  let end = content.length;
  while (
    end > start && (content[end - 1] === LINE_FEED || content[end - 1] === CARRIAGE_RETURN)
  ) end--;
  return content.subarray(start, end);
}

/**
 * The form of a passphrase that is hashed.
 * @param content As it was typed or read; the caller's to wipe. What is not ASCII passes through a string on the way,
 *   which cannot be wiped.
 * @returns An array of its own, the caller's to wipe; empty where there is nothing.
 * @throws {RangeError} Whose message says what it cannot be; it repeats nothing.
 */
export function canonicalPassphrase(content: Uint8Array): Uint8Array {
  refuseUtf16(content);
  const line = lineOf(content);
  if (line.some((byte) => byte < SPACE || byte === DELETE)) {
    throw new RangeError("a passphrase is one line without control characters, such as tabs");
  }
  if (line.every((byte) => byte < DELETE)) return line.slice();
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
  } catch (cause) {
    throw new RangeError("this is no UTF-8 text; save it as UTF-8", { cause });
  }
  if (hasUnfitInvisibles(text)) {
    throw new RangeError("it has a character that cannot be seen; type it anew");
  }
  return new TextEncoder().encode(text.replace(/\p{Zs}/gu, " ").normalize("NFC"));
}
