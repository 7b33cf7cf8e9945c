import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { tooManySpent } from "../../../peer/sessions/standby.ts";
import { HOUR_MS, MINUTE_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

// deno-lint-ignore no-explicit-any
type Status = any;

async function status(test: TestNode): Promise<Status> {
  return (await test.admin("GET", "/status")).body;
}

Deno.test("A peer that makes one session after the other has the last eight", async () => {
  await using test = await TestNode.start();
  for (let time = 0; time < 12; time++) await test.connect();
  assertEquals((await status(test)).sessions.length, 8);
  const newest = await test.connect();
  assertEquals((await newest.send({ type: "core.tick" })).status, 200);
});

Deno.test("A stranger is not called to renew, and is forgotten with the last session", async () => {
  await using test = await TestNode.start({ sessionLifeMs: HOUR_MS });
  await test.connect();
  await test.clock.advance(HOUR_MS + MINUTE_MS);
  assertEquals((await status(test)).peers.length, 1, "frames that are late still come");
  await test.clock.advance(3 * MINUTE_MS);
  assertEquals([(await status(test)).peers, test.vaultPairs], [[], 0]);
  const called = test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake"));
  assertEquals(called, []);
  await test.connect();
  assertEquals((await status(test)).peers.length, 1, "a directory brings them together again");
});

Deno.test("A peer that somebody decided about stays when its last session is over", async () => {
  await using test = await TestNode.start({ sessionLifeMs: HOUR_MS });
  await test.connect();
  await test.decide();
  test.peer = await TestNodeKeys.create(test.crypto);
  await test.clock.advance(2 * HOUR_MS);
  assertEquals((await status(test)).peers.length, 1);
});

Deno.test("A node does not call a stranger whose address says that the session is unknown", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  const { api_url } = (await test.peer.record()).payload;
  test.http.serve(`${api_url}/p2p/message`, () => {
    const body = JSON.stringify({ code: "session_unknown" });
    return { status: 404, headers: new Headers(), body: new TextEncoder().encode(body) };
  });
  await session.send({ type: "core.hello" });
  await test.clock.advance(10 * MINUTE_MS);
  const called = test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake"));
  assertEquals(called, []);
});

Deno.test("Handshakes of known peers are limited by who they are, not by where they come from", async () => {
  await using test = await TestNode.start({ handshakesPerMinute: 3 });
  await test.connect();
  await test.decide();
  const bogus = () =>
    test.post("/p2p/handshake", {
      v: 3,
      suite: "ik-x25519",
      pair_id: encodeBase64Url(new Uint8Array(16)),
      noise: encodeBase64Url(new Uint8Array(200)),
    });
  while ((await bogus()).body.code !== "rate_limited");
  const known = await test.call(await test.introduce());
  assertEquals((await known.send({ type: "core.hello" })).status, 200);
  test.peer = await TestNodeKeys.create(test.crypto);
  const strange = await test.call(await test.introduce());
  assertEquals((await strange.send({ type: "core.hello" })).status, 200, "pairs made up cost none");
});

Deno.test("Spent standby pairs of a peer are forgotten beyond 31, and none that was revoked or can be used", async () => {
  const world = await SessionWorld.create();
  using _ = world.parts;
  await world.standby("unused");
  await world.standby("revoked", { half: null, revokedAt: world.parts.clock.nowMs() });
  for (let spent = 0; spent < 35; spent++) await world.standby(`spent ${spent}`, { half: null });
  const forgotten = tooManySpent(world.vault, world.peer.id);
  assertEquals(forgotten.length, 35 - 31, "there is room for the one that is being spent");
  for (const pairId of forgotten) {
    assert(world.vault.get(pairId)?.standby?.sessionId.startsWith("spent"));
  }
});
