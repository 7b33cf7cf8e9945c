import { assert, assertEquals } from "@std/assert";
import type { NodeMachine } from "./node_machine.ts";
import { World } from "./world.ts";

const MINUTE_MS = 60_000;
const LIFE_MS = 20 * MINUTE_MS;

/** Alice, whom nobody can call since her relay is gone, and Bob; there is no directory either. */
async function alone(seed: number): Promise<World> {
  const world = new World({ seed, nodes: 2, relayed: 1, node: { sessionLifeMs: LIFE_MS } });
  await world.startAll();
  await world.runFor(1_000);
  await world.connectAndWait(world.node(0), world.node(1));
  world.relay!.crash();
  for (const directory of world.directories) directory.crash();
  return world;
}

async function arrives(world: World, [from, to]: readonly [NodeMachine, NodeMachine]) {
  const before = world.ledger.entries.length;
  world.send(from, to);
  const { text } = world.ledger.entries[before]!;
  for (let waitedMs = 0; waitedMs < 3 * MINUTE_MS; waitedMs += 1_000) {
    await world.runFor(1_000);
    const inbox = await to.ask((admin) => admin.inbox());
    if (inbox.some((message) => message.text === text)) return;
  }
  assert(false, `${from.name} does not reach ${to.name}`);
}

async function bothWays(world: World): Promise<void> {
  const [alice, bob] = [world.node(0), world.node(1)];
  await arrives(world, [bob, alice]);
  await arrives(world, [alice, bob]);
}

/** What each of the two counts. */
async function counted(world: World, name: string): Promise<number[]> {
  const counts = [];
  for (const node of world.nodes) {
    counts.push((await node.ask((admin) => admin.status())).counters[name] ?? 0);
  }
  return counts;
}

for (const seed of [1, 2]) {
  Deno.test(`a node that nobody can call is reached on the channel it opens, with seed ${seed}`, async () => {
    const world = await alone(seed);
    await bothWays(world);
    // Idle for longer than a channel may be, cut off, and there again.
    await world.runFor(11 * MINUTE_MS);
    await arrives(world, [world.node(1), world.node(0)]);
    world.network.cut("alice", "bob");
    world.send(world.node(1), world.node(0));
    await world.runFor(2 * MINUTE_MS);
    world.network.join("alice", "bob");
    await bothWays(world);
    await world.close();
  });

  Deno.test(`sessions are renewed on the channel whoever begins, with seed ${seed}`, async () => {
    const world = await alone(seed);
    await bothWays(world);
    const before = await counted(world, "handshakes_failed");
    await world.runFor(5 * LIFE_MS);
    await bothWays(world);
    const made = await counted(world, "handshakes_completed");
    // Two thirds of a life each, by the node with the smaller id.
    assert(Math.max(...made) >= 5, `${made}`);
    assertEquals(await counted(world, "handshakes_failed"), before);
    await world.close();
  });
}
