/**
 * A scenario in which one node blocks another at any moment of their acquaintance.
 *
 * @module
 */
import { checkInvariant } from "../invariant.ts";
import type { NodeMachine } from "../node_machine.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const POLL_MS = 500;

/** Whatever was under way when the block was acknowledged, nothing of the peer is there, and nothing comes. */
async function expectNothing(node: NodeMachine, blocked: NodeMachine): Promise<void> {
  const { sessions, peers } = await node.ask((admin) => admin.status());
  const left = sessions.filter((session) => session.peer === blocked.nodeId);
  checkInvariant(left.length === 0, `${node.name} has a session with ${blocked.name}, blocked`);
  const peer = peers.find(({ node_id }) => node_id === blocked.nodeId);
  checkInvariant(
    peer === undefined || (peer.standby_pairs === 0 && peer.outbox === 0),
    `${node.name} keeps pairs or messages for ${blocked.name}, blocked`,
  );
}

async function block(world: World, node: NodeMachine, blocked: NodeMachine): Promise<void> {
  const peer = blocked.nodeId;
  world.trace.add(node.name, `person: blocks ${blocked.name}`);
  await node.ask((admin) => admin.decide("block", { peer }));
  world.ledger.entries.filter(({ from, to }) => from === node.name && to === blocked.name)
    .forEach((entry) => entry.isExcused = true);
}

async function countFrom(node: NodeMachine, from: NodeMachine): Promise<number> {
  const inbox = await node.ask((admin) => admin.inbox());
  return inbox.filter(({ peer }) => peer === from.nodeId).length;
}

export const blockedPeer: Scenario = {
  name: "blocked peer",
  async run(world) {
    const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
    await world.connectAndWait(bob, carol);
    for (let round = 0; round < 3; round++) {
      if (world.random.chance(0.5)) world.send(alice, bob);
      else world.connect(alice, bob);
      if (world.random.chance(0.3)) world.send(bob, alice);
      await world.runFor(world.random.between(0, world.random.pick([300, 1_500, 6_000])));
      await block(world, bob, alice);
      const before = await countFrom(bob, alice);
      world.send(alice, bob);
      const restarts = world.random.chance(0.3);
      for (let polls = world.random.between(5, 60); polls > 0; polls--) {
        await expectNothing(bob, alice);
        await world.runFor(POLL_MS);
      }
      if (restarts) {
        bob.crash();
        await bob.ensureStarted();
        await world.runFor(10_000);
        await expectNothing(bob, alice);
      }
      checkInvariant(await countFrom(bob, alice) === before, "A blocked peer's message came in");
      const refusal = await bob.ask((admin) =>
        admin.connect(alice.nodeId, 0).then(() => "", (error: { code: string }) => error.code)
      );
      checkInvariant(refusal === "forbidden", `connect to a blocked peer said "${refusal}"`);
      await bob.ask((admin) => admin.decide("unblock", { peer: alice.nodeId }));
      world.send(bob, carol);
    }
    world.connect(bob, alice);
  },
};
