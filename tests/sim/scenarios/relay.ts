/**
 * Scenarios in which nodes that nobody can call are behind a relay.
 *
 * @module
 */
import type { Scenario } from "../scenario.ts";
import type { Tamper } from "../wire.ts";
import { RELAY, type World } from "../world.ts";

async function chat(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const from = world.random.pick(world.nodes);
    const to = world.random.pick(world.nodes.filter((node) => node !== from));
    world.send(from, to);
    await world.runFor(world.random.between(0, 3_000));
  }
}

async function connectAll(world: World): Promise<void> {
  const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
  await world.connectAndWait(alice, bob);
  await world.connectAndWait(carol, alice);
  await world.connectAndWait(bob, carol);
}

/** Alice and Bob are behind the relay, Carol is not. */
export const behindRelay: Scenario = {
  name: "behind a relay",
  options: { relayed: 2 },
  async run(world) {
    await connectAll(world);
    for (let round = 0; round < 3; round++) {
      await chat(world, 4);
      const what = world.random.pick(["relay", "relay crashes", "node", "node crashes"] as const);
      const machine = what.startsWith("relay") ? world.relay! : world.node(round % 2);
      if (what.endsWith("crashes")) machine.crash();
      else await machine.stop();
      await chat(world, 2);
      await world.runFor(world.random.pick([0, 500, 20_000, 130_000]));
      await machine.ensureStarted();
      await world.runFor(world.random.pick([500, 20_000]));
    }
  },
};

/** Links and channels are cut, late, and half open for a while. */
export const brokenLinks: Scenario = {
  name: "links to a relay that break",
  options: { relayed: 3 },
  async run(world) {
    await connectAll(world);
    for (let round = 0; round < 4; round++) {
      const node = world.random.pick(world.nodes);
      world.network.cut(node.name, RELAY);
      await chat(world, 3);
      await world.runFor(world.random.pick([500, 20_000, 60_000]));
      world.network.join(node.name, RELAY);
      await chat(world, 2);
    }
  },
};

/** Changes, drops or doubles what goes through the relay, both of requests and of what the link carries. */
export const lyingRelay: Scenario = {
  name: "a relay that changes what it passes",
  options: { relayed: 2 },
  async run(world) {
    await connectAll(world);
    const { random, network } = world;
    const tamper: Tamper = {
      answer(call, answer) {
        if (!call.path.startsWith("/r/") || !random.chance(0.3)) return null;
        if (random.chance(0.3)) return "drop";
        const body = answer.body.slice();
        if (body.length > 0) body[random.between(0, body.length - 1)]! ^= 1;
        return { ...answer, body };
      },
    };
    network.tampers.push(tamper);
    network.tamperMessage = ({ from, to, data }) => {
      if (from !== RELAY && to !== RELAY) return [data];
      if (!random.chance(0.2)) return [data];
      const way = random.pick(["drop", "double", "change"] as const);
      if (way === "drop") return [];
      if (way === "double") return [data, data];
      const changed = data.slice();
      changed[random.between(0, changed.length - 1)]! ^= 1 << random.between(0, 7);
      return [changed];
    };
    await chat(world, 10);
    await world.runFor(60_000);
    network.tampers.splice(network.tampers.indexOf(tamper), 1);
    network.tamperMessage = null;
  },
};

/** Everybody is behind the relay, and can be called directly too, as long as the ways between them are open. */
export const directWays: Scenario = {
  name: "direct addresses beside a relay",
  options: { relayed: 3, node: { isDirect: true } },
  async run(world) {
    await connectAll(world);
    const [alice, bob, carol] = [world.node(0), world.node(1), world.node(2)];
    await world.runFor(5_000);
    for (let round = 0; round < 3; round++) {
      world.relay!.crash();
      await chat(world, 4);
      await world.runFor(world.random.pick([500, 20_000, 60_000]));
      await world.relay!.ensureStarted();
      await world.runFor(10_000);
      for (const [a, b] of [[alice, bob], [bob, carol]] as const) world.network.cut(a.name, b.name);
      await chat(world, 4);
      await world.runFor(world.random.pick([500, 20_000, 60_000]));
      for (const [a, b] of [[alice, bob], [bob, carol]] as const) {
        world.network.join(a.name, b.name);
      }
      await world.runFor(world.random.pick([500, 120_000]));
    }
  },
};
