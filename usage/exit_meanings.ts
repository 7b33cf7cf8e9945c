/**
 * What the programs end with.
 *
 * @module
 */

/** Of every kind of end, in the order of the help. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done"],
  [1, "failed"],
  [2, "wrong usage or input"],
  [3, "not known here, or to any directory"],
  [4, "refused: blocked, forbidden, used up"],
  [5, "nobody answered, or not yet; trying again may help"],
  [6, "no node or directory is running there"],
  [130, "interrupted"],
];
