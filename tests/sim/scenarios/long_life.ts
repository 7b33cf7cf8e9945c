/**
 * Scenarios that last long enough for sessions to be renewed and ratchets to step.
 *
 * @module
 */
import { checkAlways } from "../final_check.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const MINUTE_MS = 60_000;

/** Writes now and then over a span of time, in which links are cut for a while. */
async function chatFor(world: World, options: { spanMs: number; gapMs: number }): Promise<void> {
  const [alice, bob] = [world.node(0), world.node(1)];
  const untilMs = world.loop.nowMs + options.spanMs;
  while (world.loop.nowMs < untilMs) {
    const [from, to] = world.random.chance(0.5) ? [alice, bob] : [bob, alice];
    world.send(from, to);
    if (world.random.chance(0.1)) world.network.cut(alice.name, bob.name);
    await world.runFor(world.random.between(0, options.gapMs));
    world.network.join(alice.name, bob.name);
  }
  await checkAlways(world);
}

export const renewal: Scenario = {
  name: "renewal",
  options: { node: { sessionLifeMs: 5 * MINUTE_MS } },
  async run(world) {
    await world.connectAndWait(world.node(0), world.node(1));
    for (const directory of world.directories) directory.crash();
    world.network.faults = { ...world.network.faults, lossRate: 0.1, duplicateRate: 0.1 };
    await chatFor(world, { spanMs: 20 * MINUTE_MS, gapMs: 2 * MINUTE_MS });
  },
};

export const ratchet: Scenario = {
  name: "ratchet",
  async run(world) {
    await world.connectAndWait(world.node(0), world.node(1));
    world.network.faults = { ...world.network.faults, mostLatencyMs: 2_000, delayRate: 0.2 };
    await chatFor(world, { spanMs: 150 * MINUTE_MS, gapMs: 20 * MINUTE_MS });
  },
};
