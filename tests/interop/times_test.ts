/** What the real node allows for how long, by shifting its clocks. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { startHandshake } from "./handshake.ts";
import { openMiniScene } from "./scene.ts";
import type { HeldHalf } from "./envelope.ts";
import type { Peer } from "./peer.ts";

const HELLO = { header: { type: "core.hello" } };

async function statusOf(peer: Peer, held: HeldHalf, body = startHandshake(held, peer.self).body) {
  return (await peer.postHandshake(held, body)).status;
}

Deno.test("an answer is given again for two minutes, and another message 1 after them", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const held = await scene.introduce();
  const { body } = startHandshake(held, peer.self);
  assertEquals(await statusOf(peer, held, body), 200);
  node.clock.spanMs += 115_000;
  node.clock.wallMs += 115_000;
  assertEquals(await statusOf(peer, held, body), 200);
  node.clock.spanMs += 10_000;
  node.clock.wallMs += 10_000;
  assertEquals(await statusOf(peer, held, body), 403);
  await peer.connect(held);
});

Deno.test("a pair takes eight different messages 1 in all", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  const held = await scene.introduce();
  for (let n = 0; n < 7; n++) assertEquals(await statusOf(peer, held), 200, `message ${n}`);
  const eighth = startHandshake(held, peer.self);
  assertEquals((await peer.postHandshake(held, eighth.body)).status, 200);
  assertEquals(await statusOf(peer, held), 403);
  const answer = await peer.postHandshake(held, eighth.body);
  const session = peer.adopt(eighth.finish(answer.body));
  await session.send(HELLO);
  await session.next("core.hello");
});

Deno.test("an unconfirmed session is forgotten after two minutes", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const session = await peer.call(await scene.introduce());
  node.clock.spanMs += 121_000;
  const { status, body } = await session.post(session.seal(HELLO));
  assertEquals([status, body.code], [404, "session_unknown"]);
});

Deno.test("a pair is taken until 120 s after its expires_at, a half as well", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const late = await scene.introduce({ issuedAt: Date.now() - 410_000 });
  const held = await scene.introduce();
  const other = await scene.introduce();
  await peer.connect(late);
  node.clock.wallMs += 410_000;
  node.clock.spanMs += 410_000;
  peer.sign();
  await peer.connect(held);
  node.clock.wallMs += 15_000;
  node.clock.spanMs += 15_000;
  assertEquals(await statusOf(peer, other), 403);
});

Deno.test("any frame of the caller confirms, and hellos are answered once a second with new frames", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const session = await peer.call(await scene.introduce());
  await session.send(session.sendText("first", "before any hello"));
  await session.acknowledged("first");
  const hello = session.seal(HELLO);
  await session.post(hello);
  const answer = await session.next("core.hello");
  node.clock.spanMs += 1_001;
  await session.post(hello);
  const again = await session.next("core.hello");
  assertNotEquals(again.counter, answer.counter);
});

Deno.test("keys of an older step last two minutes from the first frame of a later one", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const session = await peer.connect(await scene.introduce());
  const [soon, late] = [session.seal(HELLO), session.seal(HELLO)];
  session.stepTo(1);
  await session.send({ header: { type: "core.tick" } });
  node.clock.spanMs += 115_000;
  assertEquals((await session.post(soon)).status, 200);
  node.clock.spanMs += 10_000;
  const { status, body } = await session.post(late);
  assertEquals([status, body.code], [403, "frame_rejected"]);
});

Deno.test("a session receives until two minutes after its life, and sends no longer than it", async () => {
  await using scene = await openMiniScene({ sessionLifeMs: 60_000 });
  const { node, peer } = scene;
  const session = await peer.connect(await scene.introduce());
  node.clock.spanMs += 61_000;
  assertEquals((await session.post(session.seal(session.sendText("late", "late")))).status, 200);
  await node.message();
  node.clock.spanMs += 121_000;
  const { status } = await session.post(session.seal(session.sendText("later", "too late")));
  assert(status === 404 || status === 403, `status ${status}`);
});

Deno.test("two clocks that differ are named to the owner, to a peer of theirs alone", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const hello = { type: "core.hello", at: Date.now() - 86_400_000 };
  const first = await peer.connect(await scene.introduce());
  await first.send({ header: hello });
  await first.send(first.sendText("m-1", "from a stranger"));
  await first.acknowledged("m-1");
  assertEquals((await node.status()).warnings.filter((text) => text.includes("clock")), []);
  await node.send(peer.id, "now a contact", 5_000);
  await first.send({ header: hello });
  await first.send(first.sendText("m-2", "again"));
  await first.acknowledged("m-2");
  const { warned } = await node.status();
  const { text } = warned.find(({ topic }) => topic === `peer_clock ${peer.id}`)!;
  assertMatch(
    text,
    /^This machine's clock and that of .* differ by 86[34]\d0 s, this one is ahead/,
  );
});
