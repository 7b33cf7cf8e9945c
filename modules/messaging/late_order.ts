/**
 * Late messages among those that have their places: what of a long conversation has to be put in order anew for them.
 *
 * @module
 * @see docs/PROTOCOL.md, "Order"
 */
import { goesBefore, orderMessages, type Placed } from "./order.ts";

/** What follows the messages that are looked at. */
export interface Beyond {
  /** The first of it. */
  readonly next: Placed;
  /** Whether there is something in it of a chain that is not among them. */
  readonly hasOtherChains: () => boolean;
}

/**
 * Puts late messages in order with a stretch of messages that are in order, as far as this decides it: whatever was free
 * to stand in that stretch and stands beyond it goes behind the first one there. So where all that is put in order anew
 * goes before that one, nothing beyond moves.
 * @param stretch In their order, with all that stand between.
 * @param beyond `null` where nothing follows.
 * @returns The order of both, or `null` where it takes more than this stretch.
 */
export function orderLate<T extends Placed>(
  stretch: readonly T[],
  late: readonly T[],
  beyond: Beyond | null,
): T[] | null {
  const ordered = orderMessages([...stretch, ...late]);
  if (!isInOrder(ordered)) return null;
  if (beyond === null) return ordered;
  const from = ordered.findIndex((message, index) => message !== stretch[index]);
  const behind = ordered.findLastIndex((message) => !goesBefore(message, beyond.next));
  if (behind < from) return ordered;
  // What goes beyond the next one itself holds up only what could stand before it: of each chain what follows there.
  const chains = new Set(ordered.map(({ chain }) => chain));
  const after = new Set(ordered.slice(behind).map(({ chain }) => chain));
  return chains.size === after.size && !beyond.hasOtherChains() ? ordered : null;
}

/** Whether each stands behind what it builds on: circles do not, which only a liar makes. */
function isInOrder(ordered: readonly Placed[]): boolean {
  const places = new Map(ordered.map(({ name }, place) => [name, place]));
  const newest = new Map<string, number>();
  return ordered.every(({ builtOn, chain, n }, place) => {
    const isBehind = n > (newest.get(chain) ?? -Infinity);
    newest.set(chain, n);
    return isBehind && builtOn.every((name) => (places.get(name) ?? -1) < place);
  });
}

/** A message with the place that it has had so far. */
export interface Seated {
  readonly place: number | null;
}

/** A message that gets another place. */
export interface Move<T> {
  readonly row: T;
  readonly place: number;
}

/**
 * Gives messages in their order places between two, and moves as few of them as it can.
 * @param end `null` where nothing follows: there is always room.
 * @param gap How far apart they are where nothing says otherwise.
 * @returns `null` where there is no room.
 */
export function seat<T extends Seated>(
  rows: readonly T[],
  { base, end, gap }: { readonly base: number; readonly end: number | null; readonly gap: number },
): Move<T>[] | null {
  const staying = longestRising(rows.map(({ place }) => place));
  const highest = staying.length === 0 ? base : rows[staying.at(-1)!]!.place!;
  const top = end ?? Math.max(highest, base) + gap * (rows.length + 1);
  const moves: Move<T>[] = [];
  let former = { index: -1, place: base };
  for (const index of [...staying, rows.length]) {
    const place = rows[index]?.place ?? top;
    const count = index - former.index - 1;
    const step = Math.floor((place - former.place) / (count + 1));
    if (step < 1) return spread(rows, { base, top });
    const wide = index === rows.length && end === null ? gap : step;
    for (let at = 1; at <= count; at++) {
      moves.push({ row: rows[former.index + at]!, place: former.place + at * wide });
    }
    former = { index, place };
  }
  return moves;
}

/** All of them get places that are equally far apart. */
function spread<T>(
  rows: readonly T[],
  { base, top }: { readonly base: number; readonly top: number },
): Move<T>[] | null {
  const step = Math.floor((top - base) / (rows.length + 1));
  if (step < 1) return null;
  return rows.map((row, index) => ({ row, place: base + (index + 1) * step }));
}

/** The most of these that rise; which, by their indexes. */
function longestRising(values: readonly (number | null)[]): number[] {
  const ends: number[] = [];
  const formers: number[] = [];
  for (const [index, value] of values.entries()) {
    formers.push(-1);
    if (value === null) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[ends[middle]!]! < value) low = middle + 1;
      else high = middle;
    }
    formers[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  }
  const rising: number[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = formers[at]!) rising.push(at);
  return rising.toReversed();
}
