import { assert, assertEquals } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../crypto/encoding.ts";
import type { KeyRef } from "../../../crypto/interface.ts";
import type { OpenNode } from "../../../peer/node.ts";
import { MINUTE_MS } from "../parts.ts";
import { FakeChannel } from "../p2p/fake_channel.ts";
import { type PeerSession, TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { SessionWorld } from "./session_world.ts";
import { settle } from "../../world/settle.ts";

async function states(test: TestNode): Promise<string[]> {
  const { body } = await test.admin("GET", "/status");
  return body.sessions.map(({ state }: { state: string }) => state);
}

async function counter(test: TestNode, name: string): Promise<number> {
  const { body } = await test.admin("GET", "/status");
  return body.counters[name] ?? 0;
}

function calls(test: TestNode): number {
  return test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
}

function types(headers: Record<string, unknown>[]): unknown[] {
  return headers.map(({ type }) => type);
}

Deno.test("A responder's session is forgotten after two minutes without a frame, its standby pairs too", async () => {
  await using test = await TestNode.start();
  await test.call(await test.introduce());
  assertEquals([await states(test), test.vaultLines], [["unconfirmed"], 2]);
  await test.clock.advance(2 * MINUTE_MS - 1_000);
  assertEquals((await states(test)).length, 1);
  assertEquals(test.posted, [], "b sends nothing until a frame of a opened");
  await test.clock.advance(10_000);
  assertEquals([await states(test), test.vaultLines], [[], 1]);
});

Deno.test("The first frame of a confirms, durably, and is answered with a hello", async () => {
  await using test = await TestNode.start();
  const session = await test.call(await test.introduce());
  const stored = Promise.withResolvers<void>();
  test.files.gate = stored.promise;
  assertEquals((await session.send({ type: "core.hello" })).status, 200);
  assertEquals([await states(test), test.posted], [["unconfirmed"], []]);
  stored.resolve();
  await settle();
  assertEquals(await states(test), ["confirmed"]);
  assert(types(await session.read()).includes("core.hello"));
});

Deno.test("A session that could not be stored is confirmed by a later frame", async () => {
  await using test = await TestNode.start();
  const session = await test.call(await test.introduce());
  test.files.isFull = true;
  await session.send({ type: "core.hello" });
  assertEquals(await states(test), ["unconfirmed"]);
  test.files.isFull = false;
  await session.send({ type: "core.tick" });
  assertEquals(await states(test), ["confirmed"]);
});

Deno.test("A frame of a session that was replaced while it was opened confirms nothing", async () => {
  await using test = await TestNode.start();
  const half = await test.introduce();
  const first = await test.call(half);
  const open = test.crypto.open.bind(test.crypto);
  test.crypto.open = async (options) => {
    test.crypto.open = open;
    const opened = await open(options);
    await test.call(half);
    return opened;
  };
  await first.send({ type: "core.hello" });
  assertEquals(await states(test), ["unconfirmed"]);
  const last = await test.call(half);
  await last.send({ type: "core.hello" });
  assertEquals(await states(test), ["confirmed"]);
});

Deno.test("A session that was revoked while it was stored is confirmed for nobody", async () => {
  await using test = await TestNode.start();
  const session = await test.call(await test.introduce());
  const stored = Promise.withResolvers<void>();
  test.files.gate = stored.promise;
  await session.send({ type: "core.hello" });
  const revoking = test.admin("POST", "/tokens/revoke", { target: test.peer.id });
  await settle();
  stored.resolve();
  assertEquals((await revoking).status, 200);
  assertEquals([await states(test), test.log.audited("session")], [[], 0]);
});

Deno.test("A frame after the two minutes confirms nothing, swept or not", async () => {
  await using test = await TestNode.start();
  const session = await test.call(await test.introduce());
  test.clock.skip(2 * MINUTE_MS);
  assertEquals((await session.send({ type: "core.hello" })).body.code, "session_unknown");
});

Deno.test("A node that stops says nothing on an unconfirmed session, and drops its pairs when it starts", async () => {
  await using test = await TestNode.start();
  await test.call(await test.introduce());
  await test.stop();
  assertEquals([test.posted, test.vaultLines], [[], 2]);
  await test.boot();
  assertEquals(test.vaultLines, 1);
});

Deno.test("Making, renewing and ending sessions is written down, and a known peer's pairs are compared", async () => {
  await using test = await TestNode.start();
  const audited = () =>
    ["session", "session_renewed", "session_closed"].map((event) => test.log.audited(event));
  const first = await test.connect();
  assertEquals(audited(), [1, 0, 0]);
  const shown = test.database.prepare("SELECT value FROM self WHERE name = 'shown_seq'").get();
  assertEquals(Number(shown?.value), (await test.record()).payload.seq);
  assert(!types(await first.read()).includes("core.sync"), "nothing to compare yet");
  const second = await test.connect();
  assertEquals(audited().slice(0, 2), [1, 1]);
  assert(types(await second.read()).includes("core.sync"));
  const before = test.log.audited("session_closed");
  await second.send({ type: "core.close" });
  assertEquals(test.log.audited("session_closed"), before + 1);
});

Deno.test("A node keeps eight sets of standby pairs of a peer that settles nothing", async () => {
  await using test = await TestNode.start();
  for (let time = 0; time < 10; time++) {
    await test.connect();
    test.clock.skip(1);
  }
  const { body } = await test.admin("GET", `/tokens?peer=${test.peer.id}`);
  const unused = body.tokens.filter(({ state }: { state: string }) => state === "unused");
  assertEquals(unused.length, 32);
  const oldest = Math.min(...unused.map((token: { issued_at: number }) => token.issued_at));
  assertEquals(test.clock.nowMs() - oldest, 8, "those made last");
});

Deno.test("The node with the smaller id renews at two thirds of a life, the other at five sixths", async () => {
  await using test = await TestNode.start({ sessionLifeMs: 60 * MINUTE_MS });
  await test.decide();
  await test.connect();
  const calls = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
  const dueMs = (test.node.id < test.peer.id ? 40 : 50) * MINUTE_MS;
  await test.clock.advance(dueMs - 2 * MINUTE_MS);
  assertEquals(calls(), 0);
  await test.clock.advance(4 * MINUTE_MS);
  assert(calls() > 0);
});

Deno.test("A session stays due for renewal while a newer one may never be confirmed", async () => {
  await using test = await TestNode.start({ sessionLifeMs: 60 * MINUTE_MS });
  await test.decide();
  await test.connect();
  const calls = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake")).length;
  const dueMs = (test.node.id < test.peer.id ? 40 : 50) * MINUTE_MS;
  await test.clock.advance(dueMs - 100_000);
  await test.call(await test.introduce());
  await test.clock.advance(100_000);
  await test.call(await test.introduce());
  await test.clock.advance(100_000);
  assertEquals(calls(), 0);
  await test.clock.advance(MINUTE_MS);
  assert(calls() > 0);
});

Deno.test("After a clock jump, which is written down, a node compares pairs anew", async () => {
  await using test = await TestNode.start();
  await test.connect();
  const session = await test.connect();
  await session.send({ type: "core.sync", pairs: [] });
  await session.read();
  test.clock.offsetMs += 60 * MINUTE_MS;
  await test.clock.advance(5_000);
  assertEquals(test.log.audited("clock_jump"), 1);
  assert(types(await session.read()).includes("core.sync"));
});

Deno.test("Blocking a peer closes its channels, and nothing more is sent to it", async () => {
  await using test = await TestNode.start();
  const channel = new FakeChannel();
  test.http.openedChannel = () => channel;
  await test.connect();
  await test.clock.advance(1_000);
  await test.admin("POST", "/peers/block", { peer: test.peer.id });
  assertEquals(channel.closed, 4404);
  const before = [channel.sent.length, test.posted.length];
  await test.clock.advance(60 * MINUTE_MS);
  assertEquals([channel.sent.length, test.posted.length], before);
});

Deno.test("The sessions of an id that another one followed end, and its pairs are gone", async () => {
  await using test = await TestNode.start();
  await test.connect();
  const { book } = (test.node as OpenNode).inside;
  const next = await TestNodeKeys.create(test.crypto);
  const pin = encodeBase64Url(await test.crypto.sha256(decodeNodeId(next.id)!));
  await book.take(await test.peer.record({ seq: test.clock.nowMs() + 1, next: pin }));
  const chain = [await next.succession(test.peer.id)];
  await book.follow({ chain, record: await next.record() });
  await settle();
  assert(!(await states(test)).includes("confirmed"));
  assertEquals(test.vaultLines, 0);
});

Deno.test("The keys of a session go with it: when its time is over, and when the peer is blocked", async () => {
  await using test = await TestNode.start();
  const made: KeyRef[] = [];
  const accept = test.crypto.acceptHandshake.bind(test.crypto);
  test.crypto.acceptHandshake = async (options) => {
    const accepted = await accept(options);
    made.push(accepted.session);
    return accepted;
  };
  const codes = () =>
    Promise.all(
      made.map((session) =>
        test.crypto.open({ session, nowMs: 0, frame: new Uint8Array(0) })
          .then(() => "there", ({ code }) => code)
      ),
    );
  await test.call(await test.introduce());
  await test.clock.advance(2 * MINUTE_MS + 5_000);
  assertEquals(await codes(), ["key_unknown"]);
  await test.connect();
  assertEquals(await codes(), ["key_unknown", "there"]);
  await test.admin("POST", "/peers/block", { peer: test.peer.id });
  assertEquals(await codes(), ["key_unknown", "key_unknown"]);
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
  const known = encodeBase64Url(frame.slice(1, 17));
  const other = { session_id: known, data: encodeBase64Url(unknown) };
  const mixed = await test.post("/p2p/message", other);
  assertEquals([mixed.status, mixed.body.code], [400, "bad_request"]);
  const swapped = await test.post("/p2p/message", { session_id, data: encodeBase64Url(frame) });
  assertEquals(swapped.body.code, "session_unknown", "the frame is not looked at");
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

Deno.test("A repeat is acknowledged only if the first was", async () => {
  await using test = await TestNode.start();
  const [closed, session] = [await test.connect(), await test.connect()];
  await closed.send({ type: "core.close" });
  await session.read();
  const frames = [
    await closed.seal({ type: "core.keep", id: "a", close: [] }),
    await closed.seal({ type: "nobody.thing", id: "b" }),
  ];
  for (const frame of [...frames, ...frames]) {
    assertEquals((await closed.post(frame)).status, 200);
    await test.clock.advance(0);
  }
  assert(!types(await session.read()).includes("core.ack"));
});

Deno.test("core.close ends sending on a session, receiving goes on for two minutes", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await session.send({ type: "core.close" });
  assertEquals(await states(test), ["closed"]);
  await session.read();
  test.clock.skip(1_000);
  assertEquals((await session.send({ type: "core.hello" })).status, 200);
  assertEquals(await session.read(), [], "not even a hello is answered");
  await test.clock.advance(2_000);
  assert(test.http.requests.some(({ url }) => url.endsWith("/p2p/handshake")), "it calls again");
  await test.clock.advance(2 * MINUTE_MS + 5_000);
  assertEquals((await session.send({ type: "core.tick" })).body.code, "session_unknown");
});

Deno.test("A node whose peer said core.close calls it, after a pause", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  await test.clock.advance(10_000);
  assertEquals(calls(test), 0);
  await session.send({ type: "core.close" });
  await test.clock.advance(700);
  assertEquals(calls(test), 0, "the peer is about to stop");
  await test.clock.advance(1_000);
  assertEquals(calls(test), 1);
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
  await test.decide();
  const session = await test.connect();
  await session.read();
  await test.stop();
  assertEquals(types(await session.read()).at(-1), "core.close");
  assertEquals(calls(test), 0);
  await test.boot();
  assertEquals(calls(test), 1, "on a standby pair, without a person doing anything");
});

/** A node that does not settle by itself which of two sessions is kept. */
async function startLarger(): Promise<TestNode> {
  for (;;) {
    const test = await TestNode.start();
    if (test.node.id > test.peer.id) return test;
    await test[Symbol.asyncDispose]();
  }
}

Deno.test("A node says core.close on every session that it has not closed", async () => {
  await using test = await startLarger();
  const first = await test.connect();
  const second = await test.connect();
  await test.stop();
  const frames = [...test.posted];
  const lastOf = async (session: PeerSession) => types(await session.read()).at(-1);
  assertEquals(await lastOf(second), "core.close");
  test.posted.push(...frames);
  assertEquals(await lastOf(first), "core.close");
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
  await test.decide();
  await test.connect();
  await test.clock.advance(5 * MINUTE_MS);
  await test.stop();
  const days = 31 * 24 * 60 * MINUTE_MS;
  test.clock.offsetMs += days;
  await test.boot();
  await test.clock.advance(70_000);
  assertEquals([test.vaultLines, calls(test)], [1, 0], "only the directory's pair is forgotten");
  test.clock.offsetMs -= days;
  await test.clock.advance(5 * MINUTE_MS);
  assert(calls(test) > 0);
});

Deno.test("Standby pairs made before a node's clock was set are as good as any after it", async () => {
  await using test = await TestNode.start();
  const days = 31 * 24 * 60 * MINUTE_MS;
  await test.decide();
  await test.connect();
  await test.clock.advance(MINUTE_MS);
  test.clock.offsetMs += days;
  await test.clock.advance(10_000);
  await test.boot();
  assertEquals(calls(test), 1);
});

Deno.test("Only the last sixteen core.keep of a session are acknowledged once more", async () => {
  const world = await SessionWorld.create();
  using _ = world;
  const { own } = await world.session();
  for (let number = 0; number < 17; number++) own.noteKept(`keep ${number}`);
  assertEquals(["keep 0", "keep 1", "keep 16"].map((id) => own.hasKept(id)), [false, true, true]);
});
