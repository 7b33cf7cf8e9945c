/**
 * What passed and what waits, over time: as samples, and as the rows of a table.
 *
 * @module
 */

export interface Sample {
  readonly atMs: number;
  /** Since the node started. */
  readonly frames: number;
  readonly waiting: number;
}

export const HOUR_MS = 3_600_000;
const ROW_MS = HOUR_MS / 12;

/** One row for each five minutes, newest first: what passed in them, and what waited at their end. */
export function rowsOf(samples: readonly Sample[]): readonly Sample[] {
  const ends = [...Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / ROW_MS)).values()]
    .map((group) => group.at(-1)!);
  return ends.map((end, at) => ({
    ...end,
    frames: Math.max(0, end.frames - (ends[at - 1] ?? samples[0]!).frames),
  })).toReversed();
}
