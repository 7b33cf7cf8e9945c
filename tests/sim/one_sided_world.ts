/**
 * Two nodes of which one alone can be called, with nobody between them.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { NodeMachine } from "./node_machine.ts";
import { World } from "./world.ts";

export const MINUTE_MS = 60_000;
export const LIFE_MS = 20 * MINUTE_MS;

/** Alice, whom nobody can call since her relay is gone, and Bob; there is no directory either. */
export async function alone(seed: number): Promise<World> {
  const world = new World({ seed, nodes: 2, relayed: 1, node: { sessionLifeMs: LIFE_MS } });
  await world.startAll();
  await world.runFor(1_000);
  await world.connectAndWait(world.node(0), world.node(1));
  world.relay!.crash();
  for (const directory of world.directories) directory.crash();
  return world;
}

/** One of the two writes, and the other one has it within three minutes. */
export async function arrives(world: World, [from, to]: readonly [NodeMachine, NodeMachine]) {
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

/** Each reaches the other one. */
export async function bothWays(world: World): Promise<void> {
  const [alice, bob] = [world.node(0), world.node(1)];
  await arrives(world, [bob, alice]);
  await arrives(world, [alice, bob]);
}

/** What each of the two counts. */
export async function counted(world: World, name: string): Promise<number[]> {
  const counts = [];
  for (const node of world.nodes) {
    counts.push((await node.ask((admin) => admin.status())).counters[name] ?? 0);
  }
  return counts;
}
