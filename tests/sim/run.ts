/**
 * One run: a seed, its scenario, the end of all faults, the invariants.
 *
 * @module
 */
import { finish } from "./final_check.ts";
import { findScenario, scenarioOf } from "./scenarios/mod.ts";
import { World } from "./world.ts";

/** Time for everybody to register before anything goes wrong. */
const REGISTERING_MS = 1_000;

export interface SimulationOptions {
  readonly seed: number;
  /** Name of a scenario; the seed's own if absent. */
  readonly scenario?: string | undefined;
  readonly sink?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly scenario: string;
  /** SHA-256, hex, of the trace. */
  readonly digest: string;
  /** What went wrong, or `null`. */
  readonly failure: unknown;
  /** The last events before that. */
  readonly lastLines: readonly string[];
  readonly events: number;
  readonly messages: number;
  readonly frames: number;
}

/** @throws {RangeError} For a scenario that does not exist. */
export async function runSeed(options: SimulationOptions): Promise<RunResult> {
  const { seed, sink } = options;
  const name = options.scenario;
  const scenario = name === undefined ? scenarioOf(seed) : findScenario(name);
  if (scenario === undefined) throw new RangeError(`There is no scenario "${name}"`);
  const world = new World({ ...scenario.options, seed, ...(sink === undefined ? {} : { sink }) });
  let failure: unknown = null;
  try {
    await world.startAll();
    await world.runFor(REGISTERING_MS);
    await scenario.run(world);
    await finish(world);
  } catch (error) {
    failure = error;
  }
  await world.close();
  return {
    seed,
    scenario: scenario.name,
    digest: world.trace.digest(),
    failure,
    lastLines: world.trace.lastLines(),
    events: world.loop.events,
    messages: world.ledger.entries.length,
    frames: world.monitor.framesSeen,
  };
}

/** How somebody runs the same again. */
export function replayCommand(result: RunResult): string {
  return `deno task sim --seed ${result.seed} --scenario "${result.scenario}" --verbose`;
}
