import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBase64Url, decodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import type { TestParts } from "../../peer/parts.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER, OTHER] = PEERS;

/** @returns How often texts were opened since, which is what reading a stored one takes. */
function countReads({ crypto }: TestParts): () => number {
  let count = 0;
  const openRows = crypto.openRows.bind(crypto);
  crypto.openRows = (options) => {
    count += options.rows.length;
    return openRows(options);
  };
  return () => count;
}

Deno.test("The outbox stores a text before it sends it, and again after a restart until it is acknowledged", async () => {
  using messaging = await MessagingWorld.start();
  const { sender } = messaging.world;
  const { id } = await messaging.send(PEER, "hello");
  await settle();
  assertEquals([sender.takeIds(), sender.wanted], [[id], [PEER]]);
  await messaging.restart();
  await settle();
  assertEquals(sender.takeIds(), [id], "the same id");
  await messaging.acknowledge(id);
  assertEquals([messaging.waiting(PEER), messaging.told("delivered")], [0, 1]);
  await messaging.restart();
  await settle();
  assertEquals(sender.sent.length, 0);
});

Deno.test("The outbox sends the text as it was written, with the time at which it was", async () => {
  using messaging = await MessagingWorld.start();
  const sentAt = messaging.world.parts.clock.nowMs();
  await messaging.send(PEER, "héllo");
  await settle();
  await messaging.world.parts.clock.advance(5_000);
  await messaging.restart();
  await settle();
  const { run } = messaging.world.sender.sent[0]!.header;
  assertEquals(decodeBase64Url(String(run))?.length, 8);
  for (const { header, body, peer } of messaging.world.sender.sent) {
    assertEquals([peer, header, decodeUtf8(body!)], [
      PEER,
      { type: "messaging.text", sent_at: sentAt, run, n: 1 },
      "héllo",
    ]);
  }
  assertEquals(messaging.world.sender.sent.length, 2);
});

Deno.test("The outbox tells of the delivery as soon as the peer has the text", async () => {
  using messaging = await MessagingWorld.start();
  const sending = messaging.send(PEER, "hello", 10_000);
  await settle();
  const [id] = messaging.world.sender.takeIds();
  await messaging.acknowledge(id!, 70);
  assertEquals(await sending, { id: id!, peer: PEER, state: "delivered", rtt_ms: 70 });
  assertEquals(messaging.waiting(PEER), 0);
});

Deno.test("The outbox has 1,024 under way to a peer, and sends every other one as those are acknowledged", async () => {
  using messaging = await MessagingWorld.start();
  const { sender } = messaging.world;
  const sends = Array.from({ length: 1_605 }, (_, index) => messaging.send(PEER, `${index}`));
  const ids = (await Promise.all(sends)).map(({ id }) => id);
  await settle();
  assertEquals(sender.sent.length, 16, "before anything was heard of it");
  messaging.hosted.host.confirmed(PEER);
  await settle();
  const seen: string[] = [];
  const rounds: number[] = [];
  for (let round = sender.takeIds(); round.length > 0; round = sender.takeIds()) {
    rounds.push(round.length);
    seen.push(...round);
    for (const some of [round.slice(0, 150), round.slice(150)]) {
      for (const id of some) sender.acknowledge(id);
      await settle();
    }
  }
  assertEquals(rounds[0], 1_024);
  assertEquals(seen, ids, "each once, in their order");
  assertEquals(messaging.waiting(PEER), 0);
});

Deno.test("The outbox sends what it has just stored from memory, each once, and reads nothing again", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const first = await messaging.send(PEER, "0");
  await settle();
  const reads = countReads(parts);
  const sends = [1, 2, 3].map((index) => messaging.send(PEER, `${index}`));
  const ids = (await Promise.all(sends)).map(({ id }) => id);
  await settle();
  assertEquals([sender.takeIds(), reads()], [[first.id, ...ids], 0]);
  for (const id of [first.id, ...ids]) await messaging.acknowledge(id);
  assertEquals([messaging.waiting(PEER), reads()], [0, 0]);
  const last = await messaging.send(PEER, "4");
  await settle();
  assertEquals([sender.takeIds(), reads()], [[last.id], 0]);
});

Deno.test("The outbox writes down what was delivered together, a moment later or at the end", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const marked = () =>
    parts.store.statement("SELECT COUNT(*) AS n FROM messaging_outbox WHERE delivered = 1").get()!
      .n;
  const send = async (count: number) => {
    for (let index = 0; index < count; index++) await messaging.send(PEER, `${index}`);
    await settle();
    for (const id of sender.takeIds()) await messaging.acknowledge(id);
  };
  await send(3);
  assertEquals([messaging.waiting(PEER), messaging.told("delivered"), marked()], [0, 3, 0]);
  await parts.clock.advance(100);
  assertEquals(marked(), 3);
  await send(2);
  await messaging.restart();
  await settle();
  assertEquals([marked(), sender.takeIds()], [5, []]);
});

Deno.test("The outbox writes down later what was acknowledged while nothing could be", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const { id } = await messaging.send(PEER, "hello");
  await settle();
  sender.takeIds();
  parts.fillDisk();
  await messaging.acknowledge(id);
  await parts.clock.advance(1_000);
  parts.freeDisk();
  const delivered = () =>
    parts.store.statement("SELECT delivered FROM messaging_outbox WHERE id = ?").get(id)!.delivered;
  assertEquals([messaging.told("delivered"), messaging.waiting(PEER), delivered()], [1, 0, 0]);
  messaging.hosted.host.confirmed(PEER);
  await settle();
  assertEquals(sender.takeIds(), []);
  await parts.clock.advance(10_000);
  assertEquals(delivered(), 1);
});

Deno.test("The outbox stores under the id that followed, in the very moment of a succession", async () => {
  using messaging = await MessagingWorld.start();
  const { old, next } = await messaging.world.succeeded();
  assertEquals((await messaging.send(old, "hello")).peer, next);
  assertEquals([messaging.waiting(old), messaging.waiting(next)], [0, 1]);
  await messaging.world.parts.permissions.block(next);
  const refusal = await assertRejects(() => messaging.send(old, "more"), OpenRedError);
  assertEquals([refusal.code, messaging.waiting(next)], ["forbidden", 1]);
});

Deno.test("The outbox stores nothing on a full disk, and says so", async () => {
  using messaging = await MessagingWorld.start();
  messaging.world.parts.fillDisk();
  const error = await assertRejects(() => messaging.send(PEER, "hello"), OpenRedError);
  assertEquals([error.code, messaging.waiting(PEER)], ["overloaded", 0]);
});

Deno.test("The outbox stores nothing for a peer that is blocked by then, and says so", async () => {
  using messaging = await MessagingWorld.start();
  const blocking = messaging.world.parts.permissions.block(PEER);
  const toOther = messaging.send(OTHER, "hello");
  const error = await assertRejects(() => messaging.send(PEER, "hello"), OpenRedError);
  await blocking;
  assertEquals([error.code, messaging.waiting(PEER)], ["forbidden", 0]);
  assertEquals(messaging.world.sender.waiting(PEER), 0);
  assertEquals(messaging.world.sender.takeIds(), [(await toOther).id], "those with it are stored");
});

Deno.test("The outbox sends no more what was dropped, and keeps what was delivered", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const { id } = await messaging.send(PEER, "delivered");
  await settle();
  await messaging.acknowledge(id);
  await messaging.send(PEER, "waits");
  await settle();
  assertEquals(sender.waiting(PEER), 1);
  await parts.store.write(() => messaging.hosted.host.writeForget(PEER));
  assertEquals([messaging.waiting(PEER), sender.waiting(PEER)], [0, 0]);
  const rows = parts.store.statement("SELECT id FROM messaging_outbox").all();
  assertEquals(rows.map((row) => row.id), [id]);
});

Deno.test("The outbox sends nothing of a peer that was dropped while its rows were opened", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  await messaging.send(PEER, "waits");
  await parts.store.write(() => messaging.hosted.host.writeForget(PEER));
  await settle();
  assertEquals([messaging.waiting(PEER), sender.waiting(PEER)], [0, 0]);
});

Deno.test("The outbox sends what was under way to a former id to the one that followed it", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const { host } = messaging.hosted;
  const { old, next, follow } = await messaging.world.succeeding();
  await messaging.send(next, "to the new id");
  await messaging.send(old, "to the former id");
  await settle();
  await follow();
  await parts.store.write(() => host.writeMove(old, next));
  host.confirmed(next);
  await settle();
  assertEquals([sender.waiting(old), sender.waiting(next)], [0, 2]);
  assertEquals([messaging.waiting(old), messaging.waiting(next)], [0, 2]);
});

Deno.test("A stored message that was changed on disk is given up and said, and those behind it go", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const ids: string[] = [];
  for (const text of ["first", "second", "third"]) {
    ids.push((await messaging.send(PEER, text)).id);
  }
  await messaging.hosted.host.stop();
  sender.takeIds();
  messaging.damage("messaging_outbox", ids[0]!);
  await messaging.open();
  await settle();
  assertEquals(sender.sent.slice(0, 2).map(({ id }) => id), ids.slice(1));
  const { type, n, removes } = sender.sent[2]!.header;
  assertEquals([type, n, (removes as { n: number }).n], ["messaging.remove", 1, 1]);
  assertEquals([messaging.waiting(PEER), parts.events.warnings().length], [3, 1]);
});

Deno.test("The outbox sends what was refused again after minutes, or in a new session, and not with each new text", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  let frames = 0;
  const refuseAll = async () => {
    await settle();
    for (const { refused } of sender.sent.splice(0)) {
      frames += 1;
      refused!();
    }
    await settle();
  };
  for (let index = 0; index < 20; index++) {
    await messaging.send(PEER, `${index}`);
    await refuseAll();
  }
  assertEquals(frames, 20);
  await parts.clock.advance(5 * 60_000);
  await refuseAll();
  messaging.hosted.host.confirmed(PEER);
  await refuseAll();
  assertEquals(frames, 60);
});

Deno.test("The outbox tries again when opening what waits has failed once", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  const { id } = await messaging.send(PEER, "hello");
  await settle();
  sender.sent.length = 0;
  const { crypto } = parts;
  const openRows = crypto.openRows.bind(crypto);
  let failures = 1;
  crypto.openRows = (rows) =>
    failures-- > 0 ? Promise.reject(new Error("The core is busy")) : openRows(rows);
  await messaging.restart();
  await settle();
  assertEquals(sender.takeIds(), []);
  await parts.clock.advance(5 * 60_000);
  assertEquals(sender.takeIds(), [id]);
});

Deno.test("The outbox has 4 MiB under way to a peer, however few texts that is", async () => {
  using messaging = await MessagingWorld.start();
  const { sender } = messaging.world;
  for (let index = 0; index < 40; index++) await messaging.send(PEER, "x".repeat(262_144));
  messaging.hosted.host.confirmed(PEER);
  await settle();
  sender.sent.length = 0;
  await messaging.restart();
  messaging.hosted.host.confirmed(PEER);
  await settle();
  const bytes = sender.sent.reduce((sum, { body }) => sum + body!.length, 0);
  assert(bytes <= 5 * 2 ** 20, `${bytes}`);
  assert(bytes >= 3 * 2 ** 20, `${bytes}`);
});

Deno.test("The outbox shows the oldest first, whoever it is for", async () => {
  using messaging = await MessagingWorld.start();
  const { id } = await messaging.send(PEERS[2], "the oldest");
  await messaging.send(PEERS[1], "later");
  const waiting = await messaging.hosted.ask<{ messages: { id: string }[] }>(
    "GET",
    "/m/messaging/outbox",
  );
  assertEquals(waiting.messages[0]!.id, id);
});
