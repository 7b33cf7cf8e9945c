import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { Syncing } from "../../../peer/sessions/syncing.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MINUTE_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";

async function setUp() {
  const world = await SessionWorld.create();
  const { vault, table, parts } = world;
  const sent: unknown[] = [];
  const syncing = new Syncing({
    clock: parts.clock,
    vault,
    table,
    send: (_peer, { pairs }) => sent.push(pairs),
  });
  const ids = () => vault.all().map(({ pairId }) => pairId);
  return { world, syncing, sent, ids, peer: world.peer.id };
}

Deno.test("Syncing names unused pairs of sets confirmed more than two minutes ago", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  const nowMs = world.parts.clock.nowMs();
  const set = (confirmedAt: number | null) =>
    ({ standby: { sessionId: "s", role: "initiator", confirmedAt } }) as const;
  const [old] = await world.standby("old");
  await world.standby("spent", { half: null });
  world.parts.clock.skip(2 * MINUTE_MS + 1);
  await world.standby("young");
  await world.standby("unconfirmed", set(null));
  await world.standby("at two minutes", set(nowMs + 1));
  await world.standby("a directory's", { standby: null });
  syncing.ask(peer);
  assertEquals(sent, [[encodeBase64Url(old!.info.pairId)]]);
});

Deno.test("Syncing asks once for each start and each clock jump, and answers once", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  syncing.ask(peer);
  assertEquals(sent.length, 1);
  await syncing.take(peer, []);
  assertEquals(sent.length, 1, "an answer is not answered");
  await syncing.take(peer, []);
  assertEquals(sent.length, 2, "a question is, once");
  syncing.ask(peer);
  assertEquals(sent.length, 2, "it has answered");
  syncing.reset();
  syncing.ask(peer);
  assertEquals(sent.length, 3);
});

Deno.test("Syncing asks again where no answer came, and takes as many answers as it asked", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  syncing.ask(peer);
  syncing.ask(peer);
  assertEquals(sent.length, 2);
  for (let answer = 0; answer < 2; answer++) await syncing.take(peer, []);
  assertEquals(sent.length, 2, "neither is answered");
  await syncing.take(peer, []);
  assertEquals(sent.length, 3);
});

Deno.test("Syncing answers a question that comes a minute after its own was lost", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  syncing.ask(peer);
  world.parts.clock.skip(MINUTE_MS);
  await syncing.take(peer, []);
  assertEquals(sent.length, 2);
  await syncing.take(peer, []);
  assertEquals(sent.length, 2, "what was an answer brings one, and no more");
});

Deno.test("Syncing names pairs that have ended", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  const [ended] = await world.standby("set");
  world.parts.clock.offsetMs += 40 * 24 * 60 * MINUTE_MS;
  syncing.ask(peer);
  assertEquals(sent, [[encodeBase64Url(ended!.info.pairId)]]);
});

Deno.test("Syncing drops what only this node holds, of settled sets alone", async () => {
  const { world, syncing, ids, peer } = await setUp();
  using _ = world;
  const [lost] = await world.standby("lost");
  const [shared] = await world.standby("shared");
  world.parts.clock.skip(4 * MINUTE_MS + 1);
  const [young] = await world.standby("young");
  world.parts.clock.skip(2 * MINUTE_MS);
  await syncing.take(peer, [shared!.info.pairId, new Uint8Array(16)]);
  assertEquals(ids().sort(), [shared!.pairId, young!.pairId].sort());
  assertEquals(world.vault.get(lost!.pairId), null);
});

Deno.test("Syncing touches no other peer's pairs", async () => {
  const { world, syncing, ids } = await setUp();
  using _ = world;
  await world.standby("set");
  world.parts.clock.skip(10 * MINUTE_MS);
  await syncing.take(world.directory.id, []);
  assertEquals(ids().length, 1);
});

Deno.test("Syncing counts on the monotonic clock while the session of a set is there", async () => {
  const { world, syncing, ids, peer } = await setUp();
  using _ = world;
  const { own } = await world.session();
  await world.standby(own.id);
  world.parts.clock.offsetMs += 60 * MINUTE_MS;
  await syncing.take(peer, []);
  assertEquals(ids().length, 1, "a wall clock that jumps ages no set");
});

Deno.test("Syncing drops no set that the other end may not have been about to name", async () => {
  const { world, syncing, ids, peer } = await setUp();
  using _ = world;
  await world.standby("a set");
  world.parts.clock.skip(4 * MINUTE_MS);
  await syncing.take(peer, []);
  assertEquals(ids().length, 1);
  world.parts.clock.skip(1);
  await syncing.take(peer, []);
  assertEquals(ids().length, 0);
});

Deno.test("Syncing names 64 pairs at most, and is done once what it drops is off the disk", async () => {
  const { world, syncing, sent, peer } = await setUp();
  using _ = world;
  for (let index = 0; index < 65; index++) await world.standby("a set");
  world.parts.clock.skip(5 * MINUTE_MS);
  syncing.ask(peer);
  assertEquals((sent[0] as string[]).length, 64);
  world.parts.files.isFull = true;
  await assertRejects(() => syncing.take(peer, []), OpenRedError);
});
