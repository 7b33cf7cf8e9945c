import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Bundles } from "../../../peer/sessions/bundles.ts";
import { ReliableSender } from "../../../peer/sessions/reliable.ts";
import { MINUTE_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";
import { settle } from "../../world/settle.ts";

async function setUp() {
  const world = await SessionWorld.create();
  const { clock, random, background } = world.parts;
  const { table, carrier } = world;
  const reliable = new ReliableSender({
    ...{ clock, random, table, carrier, background },
    bundles: new Bundles({ carrier, background }),
  });
  const acknowledged: number[] = [];
  const send = (changes: Partial<Parameters<ReliableSender["send"]>[0]> = {}) =>
    reliable.send({
      peer: world.peer.id,
      id: "one",
      header: { type: "test.thing" },
      acknowledged: (rttMs) => acknowledged.push(rttMs),
      ...changes,
    });
  return { world, reliable, acknowledged, send };
}

Deno.test("ReliableSender repeats the same bytes three times, by POST, then seals anew under the id", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  const ends = await world.session();
  send();
  await world.parts.clock.advance(30_000);
  const [first, ...others] = world.sent;
  assertEquals(others.map(({ post }) => post), others.map(() => true));
  assertEquals(first?.post, false);
  assertEquals(world.sent.slice(1, 4).map(({ frame }) => frame), Array(3).fill(first!.frame));
  assertNotEquals(world.sent[4]?.frame, first!.frame);
  const headers = await world.read(ends);
  assertEquals(new Set(headers.map(({ id }) => id)), new Set(["one"]));
  reliable.stop();
});

Deno.test("ReliableSender seals anew at each repeat after the third: whoever may take it then takes no repeat", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  await world.session();
  send();
  await world.parts.clock.advance(10 * MINUTE_MS);
  const frames = world.sent.map(({ frame }) => frame.join());
  assert(frames.length > 8);
  assertEquals(new Set(frames.slice(0, 4)).size, 1);
  assertEquals(new Set(frames).size, frames.length - 3);
  reliable.stop();
});

Deno.test("ReliableSender measures no round trip of what was repeated", async () => {
  const { world, reliable, acknowledged, send } = await setUp();
  using _ = world;
  const { own } = await world.session();
  send();
  await world.parts.clock.advance(2_000);
  assertEquals(world.sent.length, 2);
  reliable.acknowledge(world.peer.id, "one");
  assertEquals([acknowledged, own.rttMs], [[2_000], null]);
});

Deno.test("ReliableSender pauses 1 s before the first repeat, then longer, up to a minute", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  await world.session();
  send();
  await world.parts.clock.advance(10 * MINUTE_MS);
  const pauses = world.sent.slice(1).map(({ atMs }, index) => atMs - world.sent[index]!.atMs);
  for (const [index, pause] of pauses.entries()) {
    const middle = Math.min(60_000, 1_000 * 2 ** index);
    assert(pause >= 0.8 * middle && pause <= 1.2 * middle, `pause ${index} was ${pause}`);
  }
  assert(pauses.length >= 9);
  reliable.stop();
});

Deno.test("ReliableSender ends at the acknowledgement of the right peer", async () => {
  const { world, reliable, acknowledged, send } = await setUp();
  using _ = world;
  const { own } = await world.session();
  send();
  await settle();
  reliable.acknowledge(world.directory.id, "one");
  reliable.acknowledge(world.peer.id, "other");
  assertEquals([acknowledged, reliable.waiting(world.peer.id)], [[], 1]);
  await world.parts.clock.advance(500);
  reliable.acknowledge(world.peer.id, "one");
  reliable.acknowledge(world.peer.id, "one");
  assertEquals([acknowledged, reliable.waiting(world.peer.id)], [[500], 0]);
  assertEquals(own.rttMs, 500);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent.length, 1);
});

Deno.test("ReliableSender waits for a session, and seals anew when the session changes", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  send();
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals(world.sent.length, 0);
  const first = await world.session();
  reliable.resend(world.peer.id);
  await settle();
  assertEquals((await world.read(first)).length, 1);
  const second = await world.session();
  reliable.resend(world.peer.id);
  await settle();
  assertEquals(world.sent.length, 2);
  assertEquals((await world.read(second)).map(({ id }) => id), ["one"]);
  reliable.resend(world.peer.id);
  await settle();
  assertEquals(world.sent.length, 2, "what went on the session that counts is left to its timer");
  reliable.stop();
});

Deno.test("ReliableSender seals anew once the keys of a step may be gone", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  const ends = await world.session();
  await world.parts.clock.advance(59 * MINUTE_MS + 58_000);
  send();
  await settle();
  await world.parts.clock.advance(2_500);
  await ends.own.seal({ type: "core.tick" });
  assertEquals(ends.own.step, 1);
  const before = world.sent.length;
  const first = world.sent[0]!.frame;
  assertEquals(world.sent.at(-1)!.frame, first);
  world.parts.clock.skip(2 * MINUTE_MS);
  await world.parts.clock.advance(0);
  assertEquals(world.sent.length, before + 1);
  assertNotEquals(world.sent[before]?.frame, first);
  reliable.stop();
});

Deno.test("ReliableSender sends on one session only what is meant for it", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  const first = await world.session();
  send({ onlyOn: first.own });
  await settle();
  await world.session();
  reliable.resend(world.peer.id);
  await world.parts.clock.advance(10_000);
  assertEquals((await world.read(first)).length, world.sent.length);
  const before = world.sent.length;
  first.own.close();
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent.length, before);
  reliable.forget(first.own);
  assertEquals(reliable.waiting(world.peer.id), 0);
});

Deno.test("ReliableSender forgets what is cancelled, and everything when it stops", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  await world.session();
  send();
  send({ id: "two" });
  send({ id: "two" });
  await settle();
  assertEquals(world.sent.length, 2, "one of the same id is left as it is");
  reliable.cancel("one");
  assertEquals(reliable.waiting(world.peer.id), 1);
  reliable.stop();
  send({ id: "three" });
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals([world.sent.length, reliable.waiting(world.peer.id)], [2, 0]);
});

Deno.test("ReliableSender sends once what is asked for twice while it is sealed, and repeats it once", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  await world.session();
  send();
  reliable.resend(world.peer.id);
  await settle();
  assertEquals(world.sent.length, 1);
  await world.session();
  reliable.resend(world.peer.id);
  await world.parts.clock.advance(1_500);
  assertEquals(world.sent.length, 2, "the former repeat is not due any more");
  reliable.stop();
});

Deno.test("ReliableSender sends nothing that was cancelled while it was sealed", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  await world.session();
  send();
  reliable.cancel("one");
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals(world.sent.length, 0);
});

Deno.test("ReliableSender waits for the next session when the keys of one are gone", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  const { own } = await world.session();
  await own.release();
  send();
  await settle();
  assertEquals([world.sent.length, world.parts.log.entries], [0, []]);
  const next = await world.session();
  reliable.resend(world.peer.id);
  await settle();
  assertEquals((await world.read(next)).map(({ id }) => id), ["one"]);
  reliable.stop();
});

Deno.test("ReliableSender seals a body anew though the core took it over", async () => {
  const { world, reliable, send } = await setUp();
  using _ = world;
  const { crypto, clock } = world.parts;
  const seal = crypto.seal.bind(crypto);
  crypto.seal = async (options) => {
    const sealed = await seal(options);
    structuredClone(options.body, { transfer: [options.body!.buffer as ArrayBuffer] });
    return sealed;
  };
  const ends = await world.session();
  send({ body: new Uint8Array([1, 2, 3]) });
  await clock.advance(MINUTE_MS);
  assertNotEquals(world.sent.at(-1)!.frame, world.sent[0]!.frame);
  const opened = await ends.peer.open(world.sent.at(-1)!.frame);
  assertEquals("body" in opened && [...opened.body], [1, 2, 3]);
  reliable.stop();
});

Deno.test("ReliableSender says once what became of a message: acknowledged, or dropped", async () => {
  const { world, reliable } = await setUp();
  using _ = world;
  const { own } = await world.session();
  const ends: string[] = [];
  const { peer } = world;
  const send = (id: string, onlyOn?: typeof own) =>
    reliable.send({
      peer: peer.id,
      id,
      header: { type: "test.thing" },
      ...(onlyOn === undefined ? {} : { onlyOn }),
      acknowledged: () => ends.push(`${id} acknowledged`),
      dropped: () => ends.push(`${id} dropped`),
    });
  for (const id of ["stored", "cancelled", "of a peer", "at the end"]) send(id);
  send("on one session", own);
  await settle();
  reliable.acknowledge(peer.id, "stored");
  reliable.cancel("stored");
  reliable.cancel("cancelled");
  reliable.cancel("cancelled");
  reliable.acknowledge(peer.id, "cancelled");
  reliable.forget(own);
  reliable.forgetPeer(world.directory.id);
  assertEquals(ends.splice(0), [
    "stored acknowledged",
    "cancelled dropped",
    "on one session dropped",
  ]);
  reliable.forgetPeer(peer.id);
  assertEquals(ends.splice(0), ["of a peer dropped", "at the end dropped"]);
  send("later");
  reliable.stop();
  assertEquals(ends, ["later dropped"]);
});

Deno.test("ReliableSender repeats no more what the right peer refused, and takes it anew", async () => {
  const { world, reliable, acknowledged, send } = await setUp();
  using _ = world;
  await world.session();
  const ends: string[] = [];
  const told = { refused: () => ends.push("refused"), dropped: () => ends.push("dropped") };
  send(told);
  send({ ...told, id: "two" });
  await settle();
  reliable.refuse(world.directory.id, "one");
  reliable.refuse(world.peer.id, "other");
  assertEquals([ends, reliable.waiting(world.peer.id)], [[], 2]);
  reliable.refuse(world.peer.id, "one");
  reliable.refuse(world.peer.id, "one");
  reliable.cancel("two");
  assertEquals(ends, ["refused", "dropped"]);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals([world.sent.length, acknowledged], [2, []]);
  send(told);
  await settle();
  assertEquals(world.sent.length, 3);
  reliable.stop();
});
