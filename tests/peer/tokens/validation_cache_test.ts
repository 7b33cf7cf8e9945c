import { assert, assertEquals } from "@std/assert";
import { ValidationCache } from "../../../peer/tokens/validation_cache.ts";
import type { ValidationView } from "../../../protocol/admin_api.ts";
import type { NodeMachine } from "../../sim/node_machine.ts";
import { World } from "../../sim/world.ts";

const MINUTE_MS = 60_000;

function view(validUntil: number): ValidationView {
  return { peer: "a", valid_until: validUntil, crypto_method: "alpha", validation_result: true };
}

Deno.test("ValidationCache.views() leaves out a pair from the moment it ends, even if the clock goes back", () => {
  const cache = new ValidationCache();
  cache.note("01", view(1_000));
  cache.note("02", view(2_000));
  assertEquals(cache.views(999).length, 2);
  assertEquals(cache.views(1_000).map(({ valid_until }) => valid_until), [2_000]);
  assertEquals(cache.views(500).length, 1);
});

Deno.test("ValidationCache holds the thousand entries noted last, and none that was forgotten", () => {
  const cache = new ValidationCache();
  for (let pair = 0; pair < 1_200; pair++) cache.note(`${pair}`, view(pair + 1));
  cache.forget("1199");
  const until = cache.views(0).map(({ valid_until }) => valid_until);
  assertEquals([until.length, until[0], until.at(-1)], [999, 201, 1_199]);
});

async function cached(node: NodeMachine): Promise<number> {
  return (await node.ask((admin) => admin.status())).token_cache.length;
}

const ENDS: readonly [string, (node: NodeMachine, peer: NodeMachine) => Promise<unknown>][] = [
  ["revoked", (node, peer) => node.ask((admin) => admin.revokeTokens(peer.nodeId))],
  ["blocked", (node, peer) => node.ask((admin) => admin.decide("block", { peer: peer.nodeId }))],
];

for (const [what, end] of ENDS) {
  Deno.test(`a node's cache of validations has nothing of a peer that was ${what}, used pairs included`, async () => {
    const world = new World({ seed: 11, nodes: 2 });
    try {
      const [alice, bob] = [world.node(0), world.node(1)];
      await world.startAll();
      await world.runFor(10_000);
      await world.connectAndWait(alice, bob);
      await world.runFor(MINUTE_MS);
      assert(await cached(alice) > 0);
      await end(alice, bob);
      assertEquals(await cached(alice), 0);
    } finally {
      await world.close();
    }
  });
}
