import { assert, assertEquals } from "@std/assert";
import { base64Url, textOf } from "./bytes.ts";
import { startHandshake } from "./handshake.ts";
import { Identity } from "./identity.ts";
import { Peer } from "./peer.ts";
import { FAST_TIMERS, openMiniScene, openScene } from "./scene.ts";

Deno.test("a second handshake runs on standby pair 0, and replaces no session", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const first = await peer.connect(await scene.introduce());
  const second = await peer.connect(first.keys.standby[0]!);
  assertEquals(second.keys.method, first.keys.nextMethod);
  await first.send(first.sendText("on-first", "one"));
  // The answer comes on the session the node made last.
  await second.acknowledged("on-first");
  await second.send(second.sendText("on-second", "two"));
  await second.acknowledged("on-second");
  assertEquals((await node.inbox()).map(({ text }) => text), ["one", "two"]);
  const spent = await peer.postHandshake(
    first.keys.standby[0]!,
    startHandshake(first.keys.standby[0]!, peer.self).body,
  );
  assertEquals(spent.status, 403);
});

Deno.test("the node starts from pair 2 of a session it answered, after a restart", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const first = await peer.connect(await scene.introduce());
  await node.decide(peer.id);
  await node.stop();
  await node.start({ directories: [mini.url] });
  const { session, text } = await peer.called.take();
  assert(session !== null);
  assertEquals(JSON.parse(text).pair_id, base64Url(first.keys.standby[2]!.half.pairId));
  await session.next("core.hello");
  await session.send(session.sendText("after", "still here"));
  await session.acknowledged("after");
  assertEquals((await node.message()).text, "still here");
  // Nothing is two minutes old yet, so that its question names no pair.
  assertEquals((await session.next("core.sync")).header, { type: "core.sync", pairs: [] });
});

Deno.test("the peer starts from pair 2 of a session the node began", async () => {
  await using scene = await openScene();
  const { node, peer } = scene;
  await node.connect(peer.id, 5_000);
  const { session } = await peer.called.take();
  const second = await peer.connect(session!.keys.standby[2]!);
  assertEquals(second.keys.method, "gamma");
  await second.send(second.sendText("s2", "from pair 2"));
  await second.acknowledged("s2");
});

/** The seed of an id that is smaller (or larger) than another as bytes. */
function seedBeside(id: string, wanted: "smaller" | "larger"): Uint8Array<ArrayBuffer> {
  for (let n = 0; n < 200; n++) {
    const seed = new Uint8Array(32).fill(n);
    if ((new Identity(seed).id < id) === (wanted === "smaller")) return seed;
  }
  throw new Error("No such id");
}

Deno.test("the node obeys core.keep of the smaller id and drops the other set's pairs", async () => {
  await using scene = await openMiniScene();
  const { node } = scene;
  await using peer = new Peer("the smaller peer", { seed: seedBeside(node.id, "smaller") });
  const pair = scene.mini.pair(peer.id, node.id);
  const to = scene.nodeRecord();
  await scene.mini.push(node.url, scene.mini.envelope(pair, "b", { to, peer: peer.record }));
  peer.directory = scene.mini.record;
  const held = peer.open(scene.mini.envelope(pair, "a", { to: peer.record, peer: to }));
  const first = await peer.connect(held);
  const second = await peer.connect(first.keys.standby[0]!);
  const close = [base64Url(first.keys.sessionId)];
  const keep = second.seal({ header: { type: "core.keep", id: "keep-1", close } });
  assertEquals((await second.post(keep)).status, 200);
  await second.acknowledged("keep-1");
  await second.post(keep);
  await second.acknowledged("keep-1");
  const dropped = first.keys.standby[1]!;
  const refused = await peer.postHandshake(dropped, startHandshake(dropped, peer.self).body);
  assertEquals([refused.status, refused.body.code], [403, "handshake_rejected"]);
  // Closed, it still receives; what answers goes on the kept one.
  await first.send(first.sendText("late", "on the closed one"));
  await second.acknowledged("late");
  await node.send(peer.id, "on the kept one", 5_000);
  assertEquals(textOf((await second.next("messaging.text")).body), "on the kept one");
  await peer.connect(second.keys.standby[1]!);
});

Deno.test("the node with the smaller id sends core.keep on the session it made last", async () => {
  await using scene = await openMiniScene();
  const { node } = scene;
  node.clock.timerScale = FAST_TIMERS;
  await using peer = new Peer("the larger peer", { seed: seedBeside(node.id, "larger") });
  const pair = scene.mini.pair(peer.id, node.id);
  const to = scene.nodeRecord();
  await scene.mini.push(node.url, scene.mini.envelope(pair, "b", { to, peer: peer.record }));
  peer.directory = scene.mini.record;
  const held = peer.open(scene.mini.envelope(pair, "a", { to: peer.record, peer: to }));
  const first = await peer.connect(held);
  const second = await peer.call(first.keys.standby[0]!);
  second.isSilent = true;
  await second.send({ header: { type: "core.hello" } });
  const keep = await second.next("core.keep");
  assertEquals(keep.header.close, [base64Url(first.keys.sessionId)]);
  assertEquals(Object.keys(keep.header).sort(), ["close", "id", "type"]);
  await second.cameTimes(keep.bytes, 2);
  await second.send({ header: { type: "core.ack", ids: [keep.header.id] } });
  await node.until(
    ({ peers }) => peers.find(({ node_id }) => node_id === peer.id)?.standby_pairs === 4,
    "the dropped set",
  );
  const dropped = first.keys.standby[1]!;
  const refused = await peer.postHandshake(dropped, startHandshake(dropped, peer.self).body);
  assertEquals(refused.status, 403);
});
