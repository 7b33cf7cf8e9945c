/**
 * A segment of the index: which of a few messages have which terms, as one text that is sealed as a whole. A row for
 * each word, even a hashed one, would show how often it is said.
 *
 * @module
 */
import { termsOf } from "./search_terms.ts";

export interface Indexed {
  readonly number: number;
  readonly text: string;
}

const BASE = 36;

/**
 * Writes a segment: lines `term numbers…`, the numbers counted from the first one of the segment. It begins with a
 * line's end, so that every term is found behind one.
 */
export function writeSegment(first: number, messages: readonly Indexed[]): string {
  const postings = new Map<string, number[]>();
  for (const { number, text } of messages) {
    for (const term of termsOf(text)) {
      const numbers = postings.get(term);
      if (numbers === undefined) postings.set(term, [number]);
      else numbers.push(number);
    }
  }
  const lines = [...postings].map(([term, numbers]) =>
    `${term} ${numbers.map((number) => (number - first).toString(BASE)).join(" ")}`
  );
  return `\n${lines.join("\n")}\n`;
}

/** The numbers of the messages that have a term with this beginning. */
export function findInSegment(segment: string, first: number, prefix: string): Set<number> {
  const found = new Set<number>();
  const needle = `\n${prefix}`;
  for (let at = segment.indexOf(needle); at !== -1; at = segment.indexOf(needle, at + 1)) {
    const end = segment.indexOf("\n", at + 1);
    const line = segment.slice(segment.indexOf(" ", at) + 1, end);
    for (const number of line.split(" ")) found.add(first + Number.parseInt(number, BASE));
  }
  return found;
}
