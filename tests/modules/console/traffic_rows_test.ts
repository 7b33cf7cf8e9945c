import { assertEquals } from "@std/assert";
import { rowsOf } from "../../../modules/console/page/traffic_rows.ts";

const MINUTE_MS = 60_000;

Deno.test("traffic as a table has what passed in each five minutes, and what waited at their end", () => {
  const samples = [
    [0, 100, 0],
    [1, 110, 3],
    [4, 130, 2],
    [5, 131, 1],
    [9, 140, 0],
    [21, 5, 4],
  ].map(([minute, frames, waiting]) => ({
    atMs: minute! * MINUTE_MS,
    frames: frames!,
    waiting: waiting!,
  }));
  // A node that has started again counts from the beginning.
  assertEquals(rowsOf(samples), [
    { atMs: 21 * MINUTE_MS, frames: 0, waiting: 4 },
    { atMs: 9 * MINUTE_MS, frames: 10, waiting: 0 },
    { atMs: 4 * MINUTE_MS, frames: 30, waiting: 2 },
  ]);
  assertEquals(rowsOf([]), []);
});
