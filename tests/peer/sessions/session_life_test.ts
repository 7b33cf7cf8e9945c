import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { MINUTE_MS } from "../parts.ts";
import { type PeerSession, TestNode } from "../test_node.ts";
import { SessionWorld } from "./session_world.ts";

async function states(test: TestNode): Promise<string[]> {
  const { body } = await test.admin("GET", "/status");
  return body.sessions.map(({ state }: { state: string }) => state);
}

async function counter(test: TestNode, name: string): Promise<number> {
  const { body } = await test.admin("GET", "/status");
  return body.counters[name] ?? 0;
}

function types(headers: Record<string, unknown>[]): unknown[] {
  return headers.map(({ type }) => type);
}

Deno.test("A responder's session is forgotten after two minutes without a frame, its standby pairs too", async () => {
  await using test = await TestNode.start();
  await test.call(await test.introduce());
  assertEquals([await states(test), test.vaultPairs], [["unconfirmed"], 5]);
  await test.clock.advance(2 * MINUTE_MS - 1_000);
  assertEquals((await states(test)).length, 1);
  assertEquals(test.posted, [], "b sends nothing until a frame of a opened");
  await test.clock.advance(10_000);
  assertEquals([await states(test), test.vaultPairs], [[], 1]);
});

Deno.test("The first frame of a confirms, durably, and is answered with a hello", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  assertEquals(await states(test), ["confirmed"]);
  assert(types(await session.read()).includes("core.hello"));
});

Deno.test("Any frame of a confirms the session", async () => {
  await using test = await TestNode.start();
  const session = await test.call(await test.introduce());
  await session.send({ type: "core.tick" });
  assertEquals(await states(test), ["confirmed"]);
});

Deno.test("A confirmed pair never works again", async () => {
  await using test = await TestNode.start();
  const half = await test.introduce();
  const session = await test.call(half);
  await session.send({ type: "core.hello" });
  const again = await test.call(half).then(() => "taken", (error) => String(error.message));
  assertEquals(again, "Message 1 was answered with 403");
});

Deno.test("A hello is answered each time, at most once a second", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await session.read();
  const frame = await session.seal({ type: "core.hello" });
  const hellos = async () => {
    await session.post(frame);
    await test.clock.advance(0);
    return types(await session.read()).filter((type) => type === "core.hello").length;
  };
  assertEquals(await hellos(), 0);
  test.clock.skip(1_000);
  assertEquals([await hellos(), await hellos()], [1, 0], "the repeat of the very bytes too");
});

Deno.test("POST /p2p/message tells a forged frame, an unknown session and a repeat apart", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  const frame = await session.seal({ type: "core.tick" });
  const forged = frame.slice();
  forged[40]! ^= 1;
  assertEquals((await session.post(forged)).body.code, "frame_rejected");
  assertEquals((await session.post(frame)).status, 200);
  assertEquals((await session.post(frame)).status, 200);
  const unknown = frame.slice();
  unknown[1]! ^= 1;
  const session_id = encodeBase64Url(unknown.slice(1, 17));
  const answer = await test.post("/p2p/message", { session_id, data: encodeBase64Url(unknown) });
  assertEquals([answer.status, answer.body.code], [404, "session_unknown"]);
  const other = await test.post("/p2p/message", { session_id, data: encodeBase64Url(frame) });
  assertEquals([other.status, other.body.code], [400, "bad_request"]);
});

Deno.test("A frame with an unknown type, must or id form is dropped, counted and not acknowledged", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await session.read();
  const frames = [
    { type: "core.made_up" },
    { type: "nobody.thing", id: "a" },
    { type: "core.sync", pairs: [], must: ["new"] },
    { type: "core.ack", ids: ["not an id!"] },
    { type: "CORE.tick" },
    { type: "messaging.text", id: "x".repeat(65) },
    { type: "core.record", record: await test.directory.keys.recordText() },
  ];
  const before = await counter(test, "frames_dropped");
  for (const header of frames) assertEquals((await session.send(header)).status, 200);
  assertEquals(await counter(test, "frames_dropped") - before, frames.length);
  assert(!types(await session.read()).includes("core.ack"));
});

Deno.test("core.close ends sending on a session, receiving goes on for two minutes", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await session.send({ type: "core.close" });
  assertEquals(await states(test), ["closed"]);
  assertEquals((await session.send({ type: "core.tick" })).status, 200);
  await test.clock.advance(2 * MINUTE_MS + 5_000);
  assertEquals((await session.send({ type: "core.tick" })).body.code, "session_unknown");
});

Deno.test("A session stops sending at its life's end and receives two minutes longer", async () => {
  await using test = await TestNode.start({ sessionLifeMs: 60_000 });
  const session = await test.connect();
  await test.clock.advance(MINUTE_MS + 1_000);
  await session.read();
  assertEquals((await session.send({ type: "core.sync", pairs: [] })).status, 200);
  assertEquals(types(await session.read()), [], "nothing is sent any more");
  await test.clock.advance(2 * MINUTE_MS + 5_000);
  assertEquals((await session.send({ type: "core.tick" })).status, 404);
});

Deno.test("An idle direction steps after an hour and says so, once", async () => {
  await using test = await TestNode.start();
  const session: PeerSession = await test.connect();
  await session.read();
  await test.clock.advance(60 * MINUTE_MS + 6_000);
  const ticks = types(await session.read()).filter((type) => type === "core.tick");
  assertEquals(ticks.length, 1);
  const { body } = await test.admin("GET", "/status");
  assertEquals(body.sessions[0].send_step, 1);
});

Deno.test("A node says core.close on its sessions when it stops, and calls its peers when it starts", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await session.read();
  await test.stop();
  assertEquals(types(await session.read()).at(-1), "core.close");
  const calls = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
  assertEquals(calls(), 0);
  await test.boot();
  assertEquals(calls(), 1, "on a standby pair, without a person doing anything");
});

Deno.test("A receiving key is gone two minutes after a later step, on an idle session too", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  const late = await session.seal({ type: "core.tick" });
  await test.clock.advance(60 * MINUTE_MS);
  await session.send({ type: "core.tick" });
  await test.clock.advance(2 * MINUTE_MS - 10_000);
  assertEquals((await session.post(late)).status, 200);
  await test.clock.advance(15_000);
  const realOpen = test.crypto.open.bind(test.crypto);
  // As if it came in time: only a key that is still there opens it.
  test.crypto.open = (options) => realOpen({ ...options, nowMs: 60 * MINUTE_MS });
  assertEquals((await session.post(late)).body.code, "frame_rejected");
});

Deno.test("Standby pairs outlive a start with a clock that is far off", async () => {
  await using test = await TestNode.start();
  await test.connect();
  await test.clock.advance(5 * MINUTE_MS);
  await test.stop();
  const days = 31 * 24 * 60 * MINUTE_MS;
  test.clock.offsetMs += days;
  await test.boot();
  await test.clock.advance(70_000);
  const calls = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
  assertEquals([test.vaultPairs, calls()], [4, 0], "only the directory's pair is forgotten");
  test.clock.offsetMs -= days;
  await test.clock.advance(5 * MINUTE_MS);
  assert(calls() > 0);
});

Deno.test("Standby pairs made before a node's clock was set are as good as any after it", async () => {
  await using test = await TestNode.start();
  const days = 31 * 24 * 60 * MINUTE_MS;
  await test.connect();
  await test.clock.advance(MINUTE_MS);
  test.clock.offsetMs += days;
  await test.clock.advance(10_000);
  const calls = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
  await test.boot();
  assertEquals(calls(), 1);
});

Deno.test("Only the last sixteen core.keep of a session are acknowledged once more", async () => {
  const world = await SessionWorld.create();
  using _ = world;
  const { own } = await world.session();
  for (let number = 0; number < 17; number++) own.noteKept(`keep ${number}`);
  assertEquals(["keep 0", "keep 1", "keep 16"].map((id) => own.hasKept(id)), [false, true, true]);
});
