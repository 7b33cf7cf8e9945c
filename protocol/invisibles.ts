/**
 * Characters that show nothing or move what stands beside them, found by what Unicode says of them; and those of them
 * that belong to a text: the joiners that Persian, the scripts of India and emoji cannot do without, and the selectors
 * that ask for an emoji in colour or in black.
 *
 * @module
 */

const JOINABLE = String.raw`\p{L}\p{M}\p{Extended_Pictographic}`;

/** Scripts whose letters nothing joins. */
const UNJOINED = ["Latin", "Greek", "Cyrillic", "Han", "Hiragana", "Katakana", "Hangul"]
  .map((script) => `\\p{Script=${script}}`).join("");

/** A joiner or non-joiner between two letters or emoji. A selector may stand between an emoji and its joiner. */
const FITTING_JOINER = String
  .raw`(?<=[${JOINABLE}\p{Emoji_Modifier}])(?<![${UNJOINED}])[\u200c\u200d](?=[${JOINABLE}])(?![${UNJOINED}])`;

/** A selector behind an emoji, or between a digit and the cap of its key. */
const FITTING_SELECTOR = String
  .raw`(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)`;

const FITTING = `${FITTING_JOINER}|${FITTING_SELECTOR}`;

/** Format characters that are drawn: signs of Arabic, Syriac and Kaithi that enclose the number behind them. */
const DRAWN = String.raw`\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}`;

/** What Unicode draws as nothing without calling it so: blank Braille, a note without a head, a filler of Khitan. */
const BLANK = String.raw`\u2800\u{1d159}\u{16fe4}`;

/**
 * A regular expression, for the flag `u`: controls, format characters (bidirectional ones and tags among them), lone
 * surrogates, line separators, and all that is ignored or blank where it is drawn, wherever it does not belong.
 */
export const UNFIT_INVISIBLE: string = String
  .raw`(?!${FITTING})(?![${DRAWN}])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}${BLANK}]`;

const UNFIT = new RegExp(UNFIT_INVISIBLE, "u");

/** Whether a text has a character that cannot be seen and does not belong where it stands. */
export function hasUnfitInvisibles(text: string): boolean {
  return UNFIT.test(text);
}

/** A text without joiners and selectors, wherever they stand. */
export function withoutJoiners(text: string): string {
  return text.replace(/[\u200c\u200d\ufe0e\ufe0f]/g, "");
}
