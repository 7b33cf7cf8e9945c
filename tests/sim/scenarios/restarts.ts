/**
 * Scenarios in which processes end, and disks go back in time.
 *
 * @module
 */
import { armCrash } from "../machine.ts";
import type { NodeMachine } from "../node_machine.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

/** Ends a node in one of three ways. */
async function end(world: World, node: NodeMachine): Promise<void> {
  const way = world.random.pick(["stop", "crash", "crash in a database call"] as const);
  if (way === "stop") return await node.stop();
  if (way === "crash") return node.crash();
  armCrash(node.host, world.random);
  for (const peer of world.nodes) if (peer !== node) world.send(peer, node);
  await world.runFor(5_000);
  node.crash();
}

async function chat(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const [from, to] = world.random.chance(0.5) ? [0, 1] : [1, 0];
    world.send(world.node(from), world.node(to));
    await world.runFor(world.random.between(0, 2_000));
  }
}

export const restart: Scenario = {
  name: "restart of either side",
  async run(world) {
    await world.connectAndWait(world.node(0), world.node(1));
    for (let round = 0; round < 3; round++) {
      await chat(world, 3);
      const node = world.node(world.random.between(0, 1));
      await end(world, node);
      await chat(world, 2);
      await world.runFor(world.random.pick([0, 500, 20_000, 130_000]));
      await node.ensureStarted();
      await world.runFor(world.random.pick([0, 500, 20_000]));
    }
  },
};

export const restartOfBoth: Scenario = {
  name: "restart of both sides",
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    await world.connectAndWait(alice, bob);
    await chat(world, 4);
    for (const node of [alice, bob]) await end(world, node);
    await world.runFor(world.random.pick([0, 10_000]));
    for (const directory of world.directories) directory.crash();
    for (const node of [bob, alice]) await node.ensureStarted();
    await chat(world, 4);
    await world.runFor(60_000);
  },
};

export const crashWhileConnecting: Scenario = {
  name: "crash while connecting",
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    for (let round = 0; round < 3; round++) {
      const victim = world.random.pick([alice, bob]);
      armCrash(victim.host, world.random);
      world.connect(alice, bob);
      world.send(alice, bob);
      await world.runFor(world.random.between(200, 5_000));
      victim.crash();
      await world.runFor(world.random.pick([0, 3_000, 30_000]));
      await victim.ensureStarted();
    }
  },
};

/** Makes some history on standby pairs, so that a backup holds pairs that were used since. */
async function useUpPairs(world: World): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const node = world.node(world.random.between(0, 1));
    await node.stop();
    await node.start();
    await chat(world, 2);
    await world.runFor(world.random.pick([3_000, 60_000, 150_000]));
  }
}

export const restoredVault: Scenario = {
  name: "restored vault",
  async run(world) {
    await world.connectAndWait(world.node(0), world.node(1));
    await world.runFor(5_000);
    const victim = world.node(world.random.between(0, 1));
    const backup = victim.host.disk.copy();
    await useUpPairs(world);
    await victim.stop();
    world.trace.add(victim.name, "its vault goes back to the backup");
    victim.host.disk.restore(backup, (name) => name === ".env");
    world.monitor.forgetful.add(victim.name);
    await victim.start();
    await chat(world, 4);
    await world.runFor(60_000);
  },
};

export const restoredBackup: Scenario = {
  name: "restored backup",
  async run(world) {
    await world.connectAndWait(world.node(0), world.node(1));
    await chat(world, 2);
    await world.runFor(5_000);
    const victim = world.node(world.random.between(0, 1));
    const backup = victim.host.disk.copy();
    await chat(world, 4);
    await useUpPairs(world);
    await end(world, victim);
    world.trace.add(victim.name, "its disk goes back to the backup");
    victim.host.disk.settleCrash();
    victim.host.disk.restore(backup);
    world.monitor.forgetful.add(victim.name);
    world.ledger.excuseReceived(victim.name);
    world.ledger.excuseWritten(victim.name);
    await victim.start();
    await chat(world, 4);
    await world.runFor(60_000);
  },
};
