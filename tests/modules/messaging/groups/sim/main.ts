/**
 * `deno task sim:groups --seeds N`: runs the seeds 1 to N, or those from A to B.
 *
 * @module
 */
import { parseArgs } from "node:util";
import process from "node:process";
import { type Figures, runSeed } from "./run.ts";

const { values } = parseArgs({ options: { seeds: { type: "string", default: "20" } } });
const [, first = "1", last] = /^(?:(\d+)\.\.)?(\d+)$/.exec(values.seeds) ?? [];
if (last === undefined) {
  console.error("Usage: deno task sim:groups [--seeds N | --seeds A..B]");
  process.exit(2);
}

const total: Record<keyof Figures, number> = {
  people: 0,
  written: 0,
  changes: 0,
  restarts: 0,
  partitions: 0,
  restored: 0,
  stories: 0,
  direct: 0,
  frames: 0,
  calmRounds: 0,
};
let failed = 0;
for (let seed = Number(first); seed <= Number(last); seed++) {
  try {
    const figures = await runSeed(seed);
    for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += figures[name];
  } catch (error) {
    failed += 1;
    console.error(`seed ${seed}:`, error);
  }
}
console.log(`seeds ${first} to ${last}, ${failed} failed`, total);
process.exit(failed === 0 ? 0 : 1);
