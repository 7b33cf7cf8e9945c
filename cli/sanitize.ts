/**
 * Makes text that others wrote safe to show: a peer must not be able to move the cursor, recolour
 * the screen, or turn the reading direction of what stands beside its text.
 *
 * @module
 */
import { STRAY_JOINER } from "../protocol/joiners.ts";

/** Controls, bidirectional overrides, line separators, lone surrogates, invisible tags, stray joiners. */
const UNSAFE = new RegExp(
  String
    .raw`[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{Cs}|${STRAY_JOINER}`,
  "gu",
);

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x09) return " ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** One line of text: line breaks and every other control become visible signs. */
export function sanitizeLine(text: string): string {
  return text.replace(UNSAFE, visible);
}

/** Lines of text, each safe; line breaks separate them. */
export function sanitizeLines(text: string): readonly string[] {
  return text.split(/\r\n|\n/).map(sanitizeLine);
}

/**
 * JSON whose text holds no control character either: `JSON.stringify` leaves those from U+007F as they
 * are, and some terminals act on them.
 */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => "\\u" + character.charCodeAt(index).toString(16).padStart(4, "0"),
    ).join(""));
}
