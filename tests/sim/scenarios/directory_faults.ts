/**
 * Scenarios in which directories are away, or lie.
 *
 * @module
 */
import { checkInvariant } from "../invariant.ts";
import { createLiar } from "../liar_machine.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

async function chat(world: World, count: number, among = world.nodes): Promise<void> {
  for (let index = 0; index < count; index++) {
    const from = world.random.pick(among);
    const to = world.random.pick(among.filter((node) => node !== from));
    world.send(from, to);
    await world.runFor(world.random.between(0, 3_000));
  }
}

/** @throws {InvariantBroken} If a message that was written has not arrived. */
async function expectAllDelivered(world: World): Promise<void> {
  for (const node of world.nodes) {
    const inbox = await node.ask((admin) => admin.inbox());
    const [missing] = world.ledger.missing(node.name, inbox);
    checkInvariant(missing === undefined, `"${missing?.text}" did not arrive without directories`);
  }
}

export const oneDirectoryDown: Scenario = {
  name: "one directory down",
  options: { directories: 2 },
  async run(world) {
    const down = world.random.pick(world.directories);
    down.crash();
    for (const node of world.nodes) await node.ensureStarted();
    await chat(world, 6);
    await world.runFor(180_000);
    await expectAllDelivered(world);
    for (const other of world.directories) if (other !== down) other.crash();
    await down.ensureStarted();
    await chat(world, 3);
  },
};

export const allDirectoriesDown: Scenario = {
  name: "all directories down",
  options: { directories: 2 },
  async run(world) {
    const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
    await world.connectAndWait(alice, bob);
    await world.connectAndWait(bob, carol);
    await world.connectAndWait(carol, alice);
    await world.runFor(3_000);
    for (const directory of world.directories) directory.crash();
    await chat(world, 4);
    const restarted = world.random.chance(0.5) ? [alice] : [alice, bob, carol];
    for (const node of restarted) world.random.chance(0.5) ? node.crash() : await node.stop();
    await world.runFor(world.random.pick([1_000, 60_000, 200_000]));
    for (const node of restarted) await node.ensureStarted();
    await chat(world, 6);
    await world.runFor(10 * 60_000);
    await expectAllDelivered(world);
  },
};

export const directoryRestart: Scenario = {
  name: "directory restarts",
  async run(world) {
    for (let round = 0; round < 3; round++) {
      await chat(world, 2);
      for (const directory of world.directories) directory.crash();
      await world.runFor(world.random.between(0, 20_000));
      await world.startAll();
    }
  },
};

const LIAR_ADDRESS = "8.2.0.9";

export const lyingDirectory: Scenario = {
  name: "lying directory",
  options: { otherDirectories: [`http://${LIAR_ADDRESS}:7000`] },
  async run(world) {
    const { liar, process } = await createLiar(world, LIAR_ADDRESS);
    const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
    await world.runFor(30_000);
    for (let round = 0; round < 6; round++) {
      await chat(world, 2, [alice, bob]);
      await world.loop.complete(liar.pushUnasked(), 60_000);
    }
    await world.runFor(20_000);
    process.kill();
    for (const { lie, to, status } of liar.pushed) {
      const isTaken = status >= 200 && status < 300;
      // Carol asks for nobody; the first text of a pair introduces a stranger, which is allowed.
      const mayBeTaken = lie === "two texts of one pair" ||
        (lie === "unasked half" && to !== carol.nodeId);
      checkInvariant(!isTaken || mayBeTaken, `${world.nameOf(to)} took a lie: ${lie}`);
    }
    const taken = liar.pushed.filter(({ status }) => status === 200).length;
    world.trace.add("liar", `${liar.pushed.length} lies pushed, ${taken} taken`);
    checkInvariant(liar.pushed.length > 0, "The lying directory pushed nothing");
  },
};
