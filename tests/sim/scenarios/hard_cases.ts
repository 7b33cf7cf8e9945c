/**
 * Scenarios for promises that chance alone rarely puts to the test.
 *
 * @module
 */
import { HANDSHAKE_PATH, MESSAGE_PATH } from "../../../protocol/peer_api.ts";
import { checkInvariant } from "../invariant.ts";
import type { NodeMachine } from "../node_machine.ts";
import type { Scenario } from "../scenario.ts";
import { jsonAnswer, type Tamper, type WireCall } from "../wire.ts";
import type { World } from "../world.ts";

const MINUTE_MS = 60_000;

/** Tampers while `meddle` runs. */
async function withTamper(
  world: World,
  tamper: Tamper,
  meddle: () => Promise<void>,
): Promise<void> {
  world.network.tampers.push(tamper);
  await meddle();
  world.network.tampers.splice(world.network.tampers.indexOf(tamper), 1);
}

/** Two nodes that know each other, all directories gone, one of the two restarted. */
async function leaveAlone(world: World): Promise<readonly [NodeMachine, NodeMachine]> {
  const [alice, bob] = [world.node(0), world.node(1)];
  await world.connectAndWait(alice, bob);
  await world.runFor(5_000);
  for (const directory of world.directories) directory.crash();
  return [alice, bob];
}

/** @throws {InvariantBroken} If what was written has not arrived although nothing is wrong any more. */
async function expectDelivery(world: World): Promise<void> {
  for (const node of world.nodes) {
    const inbox = await node.ask((admin) => admin.inbox());
    const [missing] = world.ledger.missing(node.name, inbox);
    checkInvariant(missing === undefined, `"${missing?.text}" did not arrive without directories`);
  }
}

/** Every pair is refused for a while: none may be thrown away, nobody else can give new ones. */
export const forgedRefusalAlone: Scenario = {
  name: "forged 403 without directories",
  async run(world) {
    const [alice, bob] = await leaveAlone(world);
    const forged = jsonAnswer(403, { code: "handshake_rejected" });
    const tamper: Tamper = { request: ({ path }) => path === HANDSHAKE_PATH ? forged : null };
    await withTamper(world, tamper, async () => {
      for (const node of [alice, bob]) node.crash();
      for (const node of [alice, bob]) await node.start();
      world.send(alice, bob);
      world.send(bob, alice);
      await world.runFor(world.random.between(1, 4) * MINUTE_MS);
    });
    await world.runFor(11 * MINUTE_MS);
    await expectDelivery(world);
  },
};

/** One pair after the other is offered again and again, and no answer arrives. */
export const longSilence: Scenario = {
  name: "long silence",
  async run(world) {
    const [alice, bob] = await leaveAlone(world);
    const deaf = world.random.chance(0.5) ? HANDSHAKE_PATH : MESSAGE_PATH;
    const tamper: Tamper = { answer: ({ path }) => path === deaf ? "drop" : null };
    const mute: Tamper = { request: ({ path }) => path === deaf ? "drop" : null };
    await withTamper(world, deaf === HANDSHAKE_PATH ? tamper : mute, async () => {
      alice.crash();
      await alice.start();
      world.send(alice, bob);
      world.send(bob, alice);
      await world.runFor(25 * MINUTE_MS);
    });
    await world.startAll();
    await world.runFor(15 * MINUTE_MS);
    await expectDelivery(world);
  },
};

/** The power fails at the very moment an answer or a frame has left. */
export const crashWhileAnswering: Scenario = {
  name: "crash while answering",
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    for (let round = 0; round < 4; round++) {
      const victim = world.random.pick([alice, bob]);
      const path = world.random.pick([HANDSHAKE_PATH, HANDSHAKE_PATH, MESSAGE_PATH]);
      const hit = (call: WireCall, name: string) => {
        if (call.path !== path || name !== victim.name || !world.random.chance(0.6)) return null;
        // What is leaving leaves; the process is gone once this turn is over.
        world.loop.schedule(0, () => victim.crash());
        return null;
      };
      const tamper: Tamper = {
        answer: (call) => hit(call, call.to),
        request: (call) => path === MESSAGE_PATH ? hit(call, call.from.name) : null,
      };
      await withTamper(world, tamper, async () => {
        world.connect(alice, bob);
        world.send(alice, bob);
        world.send(bob, alice);
        await world.runFor(world.random.between(50, 3_000));
      });
      victim.crash();
      await victim.start();
      world.replayer.replayHandshakes();
      await world.runFor(world.random.pick([500, 5_000, 70_000]));
    }
  },
};
