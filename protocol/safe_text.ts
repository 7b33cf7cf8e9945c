/**
 * Makes text that others wrote safe to show: a peer must not be able to move the cursor, recolour
 * the screen, or turn the reading direction of what stands beside its text.
 *
 * @module
 */
import { UNFIT_INVISIBLE } from "./invisibles.ts";

const UNSAFE = new RegExp(UNFIT_INVISIBLE, "gu");

/** More marks on one letter than any script has; they would cover the lines around it. */
const PILED_MARKS = /(\p{M}{8})\p{M}+/gu;

const TAB = 0x09;
/** The blank of Braille, which is one cell wide. */
const BRAILLE_BLANK = 0x2800;

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === TAB || code === BRAILLE_BLANK) return " ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** One line of text: line breaks and every other control become visible signs. */
export function sanitizeLine(text: string): string {
  return text.replace(UNSAFE, visible).replace(PILED_MARKS, "$1\ufffd");
}

/** Lines of text, each safe; line breaks separate them. */
export function sanitizeLines(text: string): readonly string[] {
  return text.split(/\r\n|\n/).map(sanitizeLine);
}

/**
 * JSON whose text holds none of these characters either: `JSON.stringify` leaves those from U+007F as they
 * are, and some terminals act on them.
 */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => "\\u" + character.charCodeAt(index).toString(16).padStart(4, "0"),
    ).join(""));
}

/** A word of a command as a shell takes it: in quotes where it needs them. */
export function shellWord(word: string): string {
  const safe = sanitizeLine(word);
  return /^[A-Za-z0-9_@%+=:,./\\-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}
