/**
 * The nearest of the words that somebody may have meant.
 *
 * @module
 */

/** Further away a word is another one. */
const MAX_DISTANCE = 3;

/** How many letters are to be changed, added, left out or exchanged with the next. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      next[column] = Math.min(
        last[column]! + 1,
        next[column - 1]! + 1,
        last[column - 1]! + (isSame ? 0 : 1),
        isSwapped ? before[column - 2]! + 1 : Infinity,
      );
    }
    [before, last] = [last, next];
  }
  return last[to.length]!;
}

/** The one of `words` that is most like `word`, or `null` where none is. */
export function nearest(word: string, words: readonly string[]): string | null {
  let found: { readonly word: string; readonly distance: number } | null = null;
  for (const candidate of words) {
    const of = distance(word.toLowerCase(), candidate.toLowerCase());
    if (of <= MAX_DISTANCE && of < word.length && (found === null || of < found.distance)) {
      found = { word: candidate, distance: of };
    }
  }
  return found?.word ?? null;
}
