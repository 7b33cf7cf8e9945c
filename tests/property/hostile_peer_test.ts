import { assertEquals, assertNotEquals } from "@std/assert";
import { TestDirectory } from "../directory/test_directory.ts";
import { NO_EDIT } from "./edits.ts";
import { NodeWorld } from "./node_world.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

/** A noise key whose every shared secret is zero. */
const LOW_ORDER = { kind: "set", at: 6, json: `"${"A".repeat(43)}"`, name: "" } as const;

Deno.test("A peer that announces a noise key of low order harms nobody but itself", async () => {
  const clock = new VirtualClock(Date.now());
  await using world = await NodeWorld.start({ clock });
  const record = await world.node.network.record(world.peers.friend, LOW_ORDER);
  await world.peers.sendFrame({ type: "core.record", record });
  await world.peers.sendFrame({ type: "core.close" });
  // The node calls a second later.
  await clock.advance(5_000);
  assertNotEquals((await world.node.status()).counters["handshakes_started"], undefined);
  assertEquals(world.logged, []);
  const answer = await world.handle(
    await world.build({ name: "handshake", inner: NO_EDIT, outer: NO_EDIT }),
  );
  assertEquals(answer.status, 200);
});

Deno.test("A directory seals no half to a noise key of low order, whoever has it", async () => {
  await using test = await TestDirectory.start();
  const good = test.node(1);
  const bad = test.node(2, { noiseKey: new Uint8Array(32) });
  for (const node of [good, bad]) assertEquals((await test.registerNew(node)).status, 201);
  const toBad = await test.connect(good, { target: bad.id });
  assertEquals([toBad.status, toBad.body.code], [502, "target_unreachable"]);
  const fromBad = await test.connect(bad, { target: good.id });
  assertEquals([fromBad.status, fromBad.body.code], [400, "bad_request"]);
  assertEquals([good.received, bad.received], [[], []]);
  assertEquals(test.logged.includes("request_failed"), false);
});
