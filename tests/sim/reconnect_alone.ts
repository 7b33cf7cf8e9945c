/**
 * What is tried once two nodes agree: the standby pairs that are left.
 *
 * @module
 */
import { checkInvariant } from "./invariant.ts";
import type { NodeMachine } from "./node_machine.ts";
import type { World } from "./world.ts";

const RECONNECT_MS = 90_000;

/** Takes the directories away and restarts two nodes: the standby pairs alone bring them together. */
export async function reconnectAlone(world: World, pair: readonly NodeMachine[]): Promise<void> {
  const [a, b] = pair;
  if (a === undefined || b === undefined) return;
  for (const directory of world.directories) directory.crash();
  const restarted = world.random.chance(0.5) ? [a, b] : [world.random.pick([a, b])];
  for (const node of restarted) node.crash();
  for (const node of restarted) await node.start();
  const before = world.ledger.entries.length;
  world.send(a, b);
  world.send(b, a);
  await world.runFor(RECONNECT_MS);
  for (const { from, to, text } of world.ledger.entries.slice(before)) {
    const receiver = world.nodes.find(({ name }) => name === to);
    const inbox = await receiver?.ask((admin) => admin.inbox());
    checkInvariant(
      inbox?.some((message) => message.text === text) === true,
      `${from} and ${to} did not find each other on their standby pairs`,
    );
  }
}
