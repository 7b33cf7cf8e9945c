import { assert, assertEquals } from "@std/assert";
import { MAX_RELAY_DATA_BYTES, RELAY_CREDIT_BYTES } from "../../protocol/limits.ts";
import { settle } from "../world/settle.ts";
import { type LinkedEnd, RelayWorld } from "./relay_world.ts";

const UPGRADE = { headers: { upgrade: "websocket" } };

/** An open channel: what the caller holds, and the number of its stream. */
async function openChannel(world: RelayWorld, node: LinkedEnd, address = "192.0.2.1") {
  const { answer, stream, head } = await world.call(node, "/p2p/channel", { ...UPGRADE, address });
  node.answer(stream, { status: 101, length: 0 });
  const response = await answer;
  await settle();
  return { response, stream, head, caller: world.upgraded.at(-1)! };
}

Deno.test("a channel goes through in parts, either way, and ends with the code it ended with", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { response, stream, head, caller } = await openChannel(world, node);
  assertEquals([response.status, head.kind, head.length], [101, "channel", 0]);
  await caller.say(Uint8Array.of(1, 2), false);
  await caller.say(Uint8Array.of(3), true);
  assertEquals(
    node.news().map((f) => f.kind === "data" ? [[...f.data], f.isLast] : f.kind),
    [[[1, 2], false], [[3], true]],
  );
  node.data(stream, Uint8Array.of(4), false);
  node.data(stream, Uint8Array.of(5), true);
  await settle();
  assertEquals(caller.sent.map(({ data, isLast }) => [[...data], isLast]), [
    [[4], false],
    [[5], true],
  ]);
  node.close(stream, 4404);
  await settle();
  assertEquals(caller.closed, 4404);
});

Deno.test("a caller's end of a channel reaches the node", async () => {
  for (const [code, told] of [[1000, 1000], [4404, 4404], [1006, 1001]] as const) {
    const world = new RelayWorld();
    const node = await world.link(1);
    const { caller } = await openChannel(world, node);
    caller.leave(code);
    assertEquals(node.news().map((f) => f.kind === "close" ? f.code : f.kind), [told]);
  }
});

Deno.test("a channel that the node refuses, or nobody answers, is no channel", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const refused = await world.call(node, "/p2p/channel", UPGRADE);
  node.answer(refused.stream, { status: 429, length: 0 });
  assertEquals((await refused.answer).status, 403);
  const plain = await world.call(node, "/p2p/channel");
  assertEquals((await plain.answer).status, 400);
  const silent = await world.call(node, "/p2p/channel", UPGRADE);
  await world.clock.advance(30_000);
  assertEquals((await silent.answer).status, 502);
});

Deno.test("text on a channel ends it", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { caller } = await openChannel(world, node);
  caller.say(null);
  assertEquals(caller.closed, 1008);
});

Deno.test("a caller that reads slowly holds up nobody but itself", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const slow = await openChannel(world, node);
  const quick = await openChannel(world, node);
  slow.caller.bufferedBytes = 2 ** 20;
  const part = new Uint8Array(MAX_RELAY_DATA_BYTES);
  for (let count = 0; count < 4; count++) {
    node.data(slow.stream, part, true);
    node.data(quick.stream, part, true);
    await settle();
  }
  assertEquals([slow.caller.sent.length, quick.caller.sent.length], [1, 4]);
  const credited = node.news().flatMap((f) => f.kind === "credit" ? [f.stream] : []);
  assertEquals(new Set(credited), new Set([quick.stream]));
  assert(world.relay.unreadBytes <= RELAY_CREDIT_BYTES);
  slow.caller.flush();
  await settle();
  assertEquals(slow.caller.sent.length, 4);
});

Deno.test("a node that gives no credit back stops its caller, with little waiting in the relay", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { caller, stream } = await openChannel(world, node);
  const part = new Uint8Array(MAX_RELAY_DATA_BYTES);
  const said = [0, 1, 2, 3, 4].map(() => {
    let isTaken = false;
    void Promise.resolve(caller.say(part, true)).then(() => isTaken = true);
    return () => isTaken;
  });
  await settle();
  assertEquals(said.map((isTaken) => isTaken()), [true, true, true, true, false]);
  assertEquals(world.relay.unreadBytes, MAX_RELAY_DATA_BYTES);
  node.credit(stream, MAX_RELAY_DATA_BYTES);
  await settle();
  assertEquals([said[4]!(), world.relay.unreadBytes], [true, 0]);
});

Deno.test("places for channels: of a node and of a source", async () => {
  const world = new RelayWorld({ limits: { channelsPerNode: 2, channelsPerAddress: 1 } });
  const node = await world.link(1);
  const first = await openChannel(world, node, "192.0.2.1");
  const again = await world.call(node, "/p2p/channel", UPGRADE);
  assertEquals((await again.answer).status, 503);
  await openChannel(world, node, "192.0.2.2");
  const third = await world.call(node, "/p2p/channel", { ...UPGRADE, address: "192.0.2.3" });
  assertEquals((await third.answer).status, 503);
  first.caller.leave();
  await openChannel(world, node, "192.0.2.3");
});

Deno.test("a channel lasts as long as something moves every quarter of an hour", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { caller } = await openChannel(world, node);
  for (let count = 0; count < 3; count++) {
    await world.clock.advance(800_000);
    await caller.say(Uint8Array.of(1), true);
  }
  assertEquals(caller.closed, null);
  await world.clock.advance(900_000);
  assertEquals(caller.closed, 1001);
});
