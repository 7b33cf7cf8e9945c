/**
 * `deno task sim`: runs seeds of the simulation.
 *
 * @module
 */
import { parseArgs } from "node:util";
import process from "node:process";
import { replayCommand, runSeed } from "./run.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

const USAGE = `Usage: deno task sim [--seed N | --seeds A..B] [--scenario NAME] [--verbose]

  --seed N         one run (1 if absent)
  --seeds A..B     the runs A to B, both included
  --scenario NAME  this scenario, not the one whose turn it is
  --verbose        show every event

Scenarios: ${SCENARIOS.map((scenario) => scenario.name).join(", ")}
`;

interface Wish {
  readonly first: number;
  readonly last: number;
  readonly scenario: string | undefined;
  readonly isVerbose: boolean;
}

function readWish(args: readonly string[]): Wish | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      scenario: { type: "string" },
      verbose: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const seeds = values.seeds ?? `${values.seed ?? 1}..${values.seed ?? 1}`;
  const match = /^(\d+)\.\.(\d+)$/.exec(seeds);
  if (values.help === true || match === null) return null;
  return {
    first: Number(match[1]),
    last: Number(match[2]),
    scenario: values.scenario,
    isVerbose: values.verbose === true,
  };
}

/** @returns Whether every run held. */
async function runAll(wish: Wish): Promise<boolean> {
  let isFine = true;
  for (let seed = wish.first; seed <= wish.last; seed++) {
    const startedMs = performance.now();
    const result = await runSeed({
      seed,
      scenario: wish.scenario,
      ...(wish.isVerbose ? { sink: (line: string) => console.log(line) } : {}),
    });
    const tookMs = Math.round(performance.now() - startedMs);
    const verdict = result.failure === null ? "ok    " : "FAILED";
    console.log(
      `${verdict} seed ${seed}, ${result.scenario}: ${result.events} events, ${result.frames} frames, ` +
        `${result.messages} messages, ${tookMs} ms, ${result.digest.slice(0, 16)}`,
    );
    if (result.failure === null) continue;
    isFine = false;
    console.log(result.failure);
    if (!wish.isVerbose) console.log(`Again: ${replayCommand(result)}`);
  }
  return isFine;
}

const wish = readWish(Deno.args);
if (wish === null) {
  console.log(USAGE);
} else if (!await runAll(wish)) {
  process.exitCode = 1;
}
