/**
 * Scenarios in which wall clocks jump.
 *
 * @module
 */
import type { Scenario } from "../scenario.ts";
import type { VirtualHost } from "../virtual_process.ts";
import type { World } from "../world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** From the least to the most stays below the 30 days that a standby pair lives. */
const STEPS_MS = [MINUTE_MS, 10 * MINUTE_MS, 3 * HOUR_MS, DAY_MS, 14 * DAY_MS] as const;

/** Sets a machine's clock wrong, or right again. */
export function stepClock(world: World, { host }: { readonly host: VirtualHost }): void {
  const stepMs = world.random.pick(STEPS_MS) * (world.random.chance(0.5) ? 1 : -1);
  host.wallOffsetMs = world.random.chance(0.2) ? 0 : stepMs;
  world.trace.add(host.name, `clock is ${host.wallOffsetMs / 1000} s off`);
}

export const clockSteps: Scenario = {
  name: "clock steps",
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    const isLate = world.random.chance(0.5);
    if (isLate) await world.connectAndWait(alice, bob);
    for (let round = 0; round < 5; round++) {
      stepClock(world, world.random.pick([alice, bob]));
      world.send(alice, bob);
      world.send(bob, alice);
      await world.runFor(world.random.between(1_000, 2 * MINUTE_MS));
      if (world.random.chance(0.4)) {
        const node = world.random.pick([alice, bob]);
        node.crash();
        await world.runFor(world.random.between(0, 10_000));
        await node.ensureStarted();
      }
    }
  },
};
