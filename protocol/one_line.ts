/**
 * Texts that stand on one line: without controls, and without what cannot be seen or changes a direction.
 *
 * @module
 */

const UNFIT = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const ALL_UNFIT = new RegExp(UNFIT, "gu");

export function isOneLine(text: string): boolean {
  return !UNFIT.test(text);
}

/** Puts spaces in the place of what does not belong on a line. */
export function toOneLine(text: string): string {
  return text.replace(ALL_UNFIT, " ");
}
