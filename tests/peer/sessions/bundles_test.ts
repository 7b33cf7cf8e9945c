import { assert, assertEquals } from "@std/assert";
import { Bundles } from "../../../peer/sessions/bundles.ts";
import { settle } from "../../world/settle.ts";
import { SessionWorld } from "./session_world.ts";

async function setUp(peerMessages: number) {
  const world = await SessionWorld.create();
  const { own, peer } = await world.session();
  own.peerMessages = peerMessages;
  const bundles = new Bundles({ ...world.parts, carrier: world.carrier });
  /** How many messages each frame has that left. */
  const counts = async () => {
    const opened = await Promise.all(world.sent.splice(0).map(({ frame }) => peer.open(frame)));
    return opened.map((frame) => frame.outcome === "opened" ? 1 + (frame.more?.length ?? 0) : 0);
  };
  const send = (bytes = 1) =>
    bundles.send(own, { header: { type: "test.thing" }, body: new Uint8Array(bytes) });
  return { world, own, peer, bundles, counts, send };
}

Deno.test("Bundles puts the messages of one turn into one frame, as many as the peer takes", async () => {
  const { world, counts, send } = await setUp(3);
  using _ = world;
  const sends = Array.from({ length: 7 }, () => send());
  const carried = await Promise.all(sends);
  assertEquals(carried.map((sent) => sent?.isShared), [...Array(6).fill(true), false]);
  assertEquals(await counts(), [3, 3, 1]);
  await send();
  await send();
  assertEquals(await counts(), [1, 1], "another turn");
});

Deno.test("Bundles sends each message alone to a peer that did not say it takes more", async () => {
  const { world, counts, send } = await setUp(1);
  using _ = world;
  await Promise.all([send(), send()]);
  assertEquals(await counts(), [1, 1]);
});

Deno.test("Bundles gives a large message its own frame, and a frame no more than 8 KiB", async () => {
  const { world, counts, send } = await setUp(64);
  using _ = world;
  await Promise.all([send(), send(4 * 1024), send()]);
  assertEquals((await counts()).sort(), [1, 2]);
  await Promise.all(Array.from({ length: 6 }, () => send(4_000)));
  assertEquals(await counts(), [2, 2, 2]);
});

Deno.test("Bundles sends what it was given, whatever becomes of the array, and drops what has no keys", async () => {
  const { world, own, peer, bundles } = await setUp(64);
  using _ = world;
  const body = new Uint8Array([7]);
  const sending = bundles.send(own, { header: { type: "test.thing" }, body });
  body[0] = 8;
  const { frame } = (await sending)!;
  const opened = await peer.open(frame);
  assert(opened.outcome === "opened");
  assertEquals(opened.body, new Uint8Array([7]));
  await own.release();
  assertEquals(await bundles.send(own, { header: { type: "test.thing" } }), null);
  await settle();
  assertEquals(world.sent.length, 1);
});

Deno.test("Bundles leaves out what is not wanted any more when the turn is over", async () => {
  const { world, own, counts, bundles, send } = await setUp(64);
  using _ = world;
  let isWanted = true;
  const message = { header: { type: "test.thing" }, isWanted: () => isWanted };
  const sends = [bundles.send(own, message), send(), send()];
  isWanted = false;
  await Promise.all(sends);
  assertEquals(await counts(), [2]);
  assertEquals(await bundles.send(own, message), null);
});
