import { assert, assertEquals } from "@std/assert";
import { alone, arrives, bothWays, counted, LIFE_MS, MINUTE_MS } from "./one_sided_world.ts";

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
