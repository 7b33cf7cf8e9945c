/**
 * Sets of numbers as ranges: sorted, apart from each other, both ends included.
 *
 * @module
 */
import * as v from "valibot";
import { messageNumberSchema } from "./fields.ts";
import { MAX_AHEAD, MAX_RANGES } from "./limits.ts";

export type Range = readonly [from: number, to: number];
export type Ranges = readonly Range[];

/** Ranges as they come: sorted, and with numbers missing between them. */
export const rangesSchema = v.pipe(
  v.array(v.strictTuple([messageNumberSchema, messageNumberSchema])),
  v.maxLength(MAX_RANGES),
  v.check((ranges) => isOrdered(ranges), "Ranges in order, apart from each other"),
);

function isOrdered(ranges: Ranges): boolean {
  return ranges.every(([from, to], at) =>
    from <= to && (at === 0 || from > ranges[at - 1]![1] + 1)
  );
}

/** The ranges of numbers that may come twice and in any order. */
export function rangesOf(numbers: Iterable<number>): Ranges {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const n of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && n <= last[1] + 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

export function union(one: Ranges, other: Ranges): Ranges {
  const sorted = [...one, ...other].sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** What is in the first and not in the second. */
export function difference(one: Ranges, other: Ranges): Ranges {
  const left: Range[] = [];
  let at = 0;
  for (let [from, to] of one) {
    while (at < other.length && other[at]![1] < from) at += 1;
    for (let k = at; k < other.length && other[k]![0] <= to; k++) {
      if (other[k]![0] > from) left.push([from, other[k]![0] - 1]);
      from = other[k]![1] + 1;
    }
    if (from <= to) left.push([from, to]);
  }
  return left;
}

export function contains(ranges: Ranges, n: number): boolean {
  return ranges.some(([from, to]) => from <= n && n <= to);
}

/** The highest number; 0 of none. */
export function highest(ranges: Ranges): number {
  return ranges.at(-1)?.[1] ?? 0;
}

/** Whether a number may be taken: not too far ahead of what is held of its run. */
export function isNear(held: Ranges, n: number): boolean {
  return n <= highest(held) + MAX_AHEAD;
}
