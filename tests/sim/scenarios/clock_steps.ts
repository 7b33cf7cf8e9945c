/**
 * Scenarios in which wall clocks jump.
 *
 * @module
 */
import type { NodeMachine } from "../node_machine.ts";
import { reconnectAlone } from "../reconnect_alone.ts";
import type { Scenario } from "../scenario.ts";
import type { VirtualHost } from "../virtual_process.ts";
import type { World } from "../world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** More than the 30 days that a standby pair lives. */
const FAR_MS = 40 * DAY_MS;
const STEPS_MS = [MINUTE_MS, 10 * MINUTE_MS, 3 * HOUR_MS, DAY_MS, 14 * DAY_MS, FAR_MS] as const;

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

/** Sets a clock far off for a while, sometimes from the start of its node on, and right again. */
async function goFarOff(world: World, node: NodeMachine): Promise<void> {
  const restarts = world.random.chance(0.5);
  if (restarts) node.crash();
  node.host.wallOffsetMs = world.random.pick([FAR_MS, -FAR_MS]);
  world.trace.add(node.name, `clock is ${node.host.wallOffsetMs / DAY_MS} days off`);
  if (restarts) await node.start();
  await world.runFor(world.random.between(70_000, 7 * MINUTE_MS));
  node.host.wallOffsetMs = 0;
  world.trace.add(node.name, "clock is right");
  await world.runFor(world.random.between(10_000, 7 * MINUTE_MS));
}

/** Nobody but the two of them: standby pairs that a wrong clock cost one of them would be gone for good. */
export const clockFarOff: Scenario = {
  name: "clock far off",
  options: { nodes: 2 },
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    await world.connectAndWait(alice, bob);
    await world.runFor(5 * MINUTE_MS);
    for (const directory of world.directories) directory.crash();
    for (let round = 0; round < 3; round++) {
      await goFarOff(world, world.random.pick([alice, bob]));
    }
    await world.runFor(6 * MINUTE_MS);
    await reconnectAlone(world, [alice, bob]);
  },
};
