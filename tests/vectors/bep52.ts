/**
 * Roots of files that another program has computed, and the content they are of.
 *
 * @module
 */
import vectors from "./bep52.json" with { type: "json" };

/** All files but the empty one, which has no root. */
export const bep52Files: readonly { readonly length: number; readonly root: string }[] = vectors
  .files.flatMap(({ length, root }) => root === null ? [] : [{ length, root }]);

/** The content that the roots are of, cut to a length. */
export function bep52Content(length: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(length);
  for (let at = 0; at < length; at++) content[at] = (at * 167 + (at >> 10) * 31) % 251;
  return content;
}
