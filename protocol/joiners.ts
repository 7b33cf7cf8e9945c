/**
 * Invisible characters that belong to a text: the joiners that Persian, the scripts of India and emoji cannot do
 * without, and the selector that asks for an emoji in colour.
 *
 * @module
 */

const JOINABLE = String.raw`\p{L}\p{M}\p{Extended_Pictographic}`;

/** A zero-width joiner or non-joiner (U+200D, U+200C) that does not stand between two letters or emoji. */
export const STRAY_JOINER = String
  .raw`(?<![${JOINABLE}\p{Emoji_Modifier}])[\u200c\u200d]|[\u200c\u200d](?![${JOINABLE}])`;

const FITTING = new RegExp(
  String.raw`(?<=\p{Extended_Pictographic})\ufe0f|(?!${STRAY_JOINER})[\u200c\u200d]`,
  "gu",
);

/** A text without the invisible characters that stand where they belong. */
export function withoutFittingInvisibles(text: string): string {
  return text.replace(FITTING, "");
}

/** A text without any of them, wherever they stand. */
export function withoutJoiners(text: string): string {
  return text.replace(/[\u200c\u200d\ufe0f]/g, "");
}
