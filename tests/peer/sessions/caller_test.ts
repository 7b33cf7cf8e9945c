import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { KeyRef, ReadAnswer } from "../../../crypto/interface.ts";
import type { HttpRequest } from "../../../ports/ports.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { answerJson } from "../../world/fake_http.ts";
import { settle } from "../../world/settle.ts";
import { MINUTE_MS } from "../parts.ts";
import { PeerSession, type TestNode } from "../test_node.ts";
import { answerHandshake, type PeerAnswer, setUp } from "./caller_world.ts";

async function stateOf(test: TestNode): Promise<string[]> {
  const { body } = await test.admin("GET", "/status");
  return body.sessions.map(({ state }: { state: string }) => state);
}

Deno.test("Caller repeats identical bytes with back-off for a minute, then a new message 1 on the same pair", async () => {
  const { test, calls, introductions, connect } = await setUp();
  await using _ = test;
  await connect();
  await test.clock.advance(MINUTE_MS + 5_000);
  const first = calls.filter(({ text }) => text === calls[0]!.text);
  assertEquals(first.map(({ atMs }) => atMs - calls[0]!.atMs), [
    0,
    1_000,
    3_000,
    7_000,
    15_000,
    30_000,
    45_000,
    60_000,
  ]);
  assert(calls.length > first.length, "the next attempt begins");
  assertEquals(new Set(calls.map(({ pairId }) => pairId)).size, 1);
  assertEquals(new Set(calls.map(({ text }) => text)).size, 2);
  assertEquals(introductions.asked, 1);
});

Deno.test("Caller looks a peer up that was silent for a minute: it may have moved or been followed", async () => {
  const { test, connect } = await setUp();
  await using _ = test;
  const countLookUps = () =>
    test.http.requests.filter(({ url }) => url.endsWith(`/nodes/${test.peer.id}`)).length;
  await connect();
  const before = countLookUps();
  await test.clock.advance(4 * MINUTE_MS);
  assertEquals([before, countLookUps()], [1, 3]);
});

Deno.test("Caller looks a peer up whose host name is no more, and calls it where it is now", async () => {
  const { test, connect } = await setUp();
  await using _ = test;
  const { api_url } = (await test.peer.record()).payload;
  test.lostHosts.add(new URL(api_url).hostname);
  const moved: HttpRequest[] = [];
  test.http.serve("https://moved.example", (request) => {
    moved.push(request);
    return answerJson(503, { code: "overloaded" });
  });
  await connect();
  await test.clock.advance(10_000);
  const { last_error } = (await test.admin("GET", "/status")).body.peers[0];
  assertEquals([last_error.code, last_error.reason], ["unreachable", "name_unknown"]);
  assert(last_error.next_try_in_ms > 0);
  const seq = test.clock.nowMs();
  test.directory.records.set(
    test.peer.id,
    await test.peer.recordText({ seq, api_url: "https://moved.example" }),
  );
  await test.clock.advance(MINUTE_MS);
  assert(moved.length > 0);
});

for (const during of ["the handshake", "storing"] as const) {
  Deno.test(`Caller keeps no session of a pair that was revoked during ${during}`, async () => {
    const { test, state, halves, connect } = await setUp();
    await using _ = test;
    const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
    state.answer = (request) => answerHandshake(test, { request, halves, answering });
    const revoke = () => test.admin("POST", "/tokens/revoke", { target: test.peer.id });
    const stored = Promise.withResolvers<void>();
    const complete = test.crypto.completeHandshake.bind(test.crypto);
    test.crypto.completeHandshake = async (options) => {
      const made = await complete(options);
      if (during === "storing") test.files.gate = stored.promise;
      else await revoke();
      return made;
    };
    await connect();
    await settle();
    if (during === "storing") {
      const revoking = revoke();
      await settle();
      stored.resolve();
      assertEquals((await revoking).status, 200);
    }
    await test.clock.advance(MINUTE_MS);
    assert(answering.session !== null);
    assertEquals(await stateOf(test), []);
    const { body } = await test.admin("GET", `/tokens?peer=${test.peer.id}`);
    const states = new Set(body.tokens.map((token: { state: string }) => token.state));
    assertEquals([[...states], test.log.audited("handshake")], [["revoked"], 0]);
  });
}

Deno.test("Caller takes an answer that does not hold for none", async () => {
  const { test, calls, state, connect } = await setUp();
  await using _ = test;
  const garbage = [
    answerJson(200, { noise: encodeBase64Url(new Uint8Array(300)) }),
    answerJson(200, { noise: "not base64url!" }),
    answerJson(200, {}),
    { status: 200, headers: new Headers(), body: new Uint8Array([0xff]) },
    answerJson(404, {}),
    answerJson(429, {}),
  ];
  state.answer = () => garbage.shift() ?? answerJson(500, {});
  await connect();
  await test.clock.advance(40_000);
  assertEquals(garbage.length, 0);
  assertEquals(new Set(calls.map(({ text }) => text)).size, 1);
});

Deno.test("Caller goes on at a 403, and throws no pair away for it", async () => {
  const { test, calls, state, introductions, connect } = await setUp();
  await using _ = test;
  state.answer = () => answerJson(403, { code: "handshake_rejected" });
  await connect();
  await test.clock.advance(1_500);
  assertEquals(introductions.asked, 2, "with no pair left it looks the peer up and asks again");
  const lookedUp = test.http.requests.filter(({ url }) => url.endsWith(`/nodes/${test.peer.id}`));
  assert(lookedUp.length >= 2);
  assertEquals(new Set(calls.slice(0, 3).map(({ pairId }) => pairId)).size, 2);
  assertEquals(test.vaultLines, 2);
});

/** A node that has two standby pairs to start from, and starts anew. */
async function restart(instead: PeerAnswer) {
  const made = await setUp();
  const { test, state, introductions } = made;
  introductions.left.length = 0;
  await test.connect();
  await test.decide();
  await test.stop();
  state.answer = instead;
  await test.boot();
  return made;
}

Deno.test("Caller audits a standby pair that is refused though it was never used, once", async () => {
  const { test, calls } = await restart(() => answerJson(403, { code: "handshake_rejected" }));
  await using _ = test;
  await test.clock.advance(MINUTE_MS);
  assert(calls.length > 4, "both were tried again");
  assertEquals(test.log.audited("pair_refused"), 2);
});

Deno.test("Caller audits no refusal of a pair on which a message 1 had gone unanswered", async () => {
  const { test, calls, state } = await restart(() => answerJson(503, { code: "overloaded" }));
  await using _ = test;
  await test.clock.advance(2_000);
  state.answer = () => answerJson(403, { code: "handshake_rejected" });
  await test.clock.advance(MINUTE_MS);
  assertEquals(new Set(calls.map(({ pairId }) => pairId)).size, 2);
  assertEquals(test.log.audited("pair_refused"), 1, "of the second pair only");
});

/** The sets of standby pairs on disk, by the session that left them. */
function setsOf(test: TestNode): string[] {
  const lines = test.files.text(".env").matchAll(/^NODE_z\w+_TOKENS_([0-9a-f]+)=(.*)$/gm);
  const values = new Map([...lines].map(([, session = "", value]) => [session, value]));
  return [...values].filter(([, value]) => value !== "").map(([session]) => session);
}

Deno.test("Caller holds eight sets of a peer that answers and never says hello, the confirmed one among them", async () => {
  const { test, state, halves } = await setUp();
  await using _ = test;
  const session = await test.connect();
  const sets = setsOf(test);
  const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
  let answered = 0;
  state.answer = (request) => {
    const { pair_id } = JSON.parse(new TextDecoder().decode(request.body));
    if (!halves.has(pair_id)) return answerJson(403, { code: "handshake_rejected" });
    answered += 1;
    return answerHandshake(test, { request, halves, answering });
  };
  await session.send({ type: "core.close" });
  await test.clock.advance(100 * MINUTE_MS);
  assert(answered > 12, `${answered} handshakes`);
  const left = setsOf(test);
  assertEquals([sets.length, left.length, left.includes(sets[0]!)], [1, 8, true]);
});

for (const isAnswered of [true, false]) {
  const when = isAnswered ? "its confirmation" : "a second, where no hello comes";
  Deno.test(`Caller with a confirmed set left stores the next one with ${when}`, async () => {
    const { test, state, halves } = await setUp();
    await using _ = test;
    const session = await test.connect();
    const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
    state.answer = (request) => {
      const { pair_id } = JSON.parse(new TextDecoder().decode(request.body));
      if (!halves.has(pair_id)) return answerJson(403, { code: "handshake_rejected" });
      return answerHandshake(test, { request, halves, answering });
    };
    await session.send({ type: "core.close" });
    for (let ms = 0; ms < MINUTE_MS && answering.session === null; ms += 20) {
      await test.clock.advance(20);
    }
    assertEquals(setsOf(test).length, 1);
    if (isAnswered) await answering.session!.send({ type: "core.hello" });
    else await test.clock.advance(1_000);
    assertEquals(setsOf(test).length, 2);
  });
}

Deno.test("Caller says hello, the same bytes, until a frame of the peer opened; then the pair is spent", async () => {
  const { test, state, halves, connect } = await setUp();
  await using _ = test;
  const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
  state.answer = (request) => answerHandshake(test, { request, halves, answering });
  await connect();
  await test.clock.advance(4_000);
  const hellos = test.posted.map((frame) => Buffer.from(frame).toString("hex"));
  assertEquals([hellos.length, new Set(hellos).size], [3, 1]);
  assertEquals(await stateOf(test), ["unconfirmed"]);
  assertEquals(test.vaultLines, 2, "the next pairs are stored before the first frame");
  test.posted.length = 0;
  await answering.session!.send({ type: "core.hello" });
  assertEquals(await stateOf(test), ["confirmed"]);
  await test.clock.advance(MINUTE_MS);
  const later = test.posted.map((frame) => Buffer.from(frame).toString("hex"));
  assertEquals(later.filter((frame) => hellos.includes(frame)), []);
  const headers = await answering.session!.read();
  assert(!headers.some(({ type }) => type === "core.hello"), "a hello of b is not answered");
});

Deno.test("Caller drops a session nobody confirmed in two minutes, keeps its pairs and calls anew", async () => {
  const { test, calls, state, halves, connect } = await setUp();
  await using _ = test;
  const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
  state.answer = (request) => answerHandshake(test, { request, halves, answering });
  await connect();
  await settle();
  state.answer = () => answerJson(503, {});
  await test.clock.advance(2 * MINUTE_MS + 10_000);
  assertEquals(await stateOf(test), []);
  assertEquals(test.vaultLines, 2);
  const later = calls.at(-1)!;
  assert(later.text !== calls[0]!.text);
});

for (const lifeMs of [59_999, 86_400_001]) {
  Deno.test(`Caller takes an answer with life_ms ${lifeMs} for none`, async () => {
    const { test, state, halves, connect } = await setUp();
    await using _ = test;
    const accept = test.crypto.acceptHandshake.bind(test.crypto);
    const read = test.crypto.readAnswer.bind(test.crypto);
    test.crypto.acceptHandshake = (options) => accept({ ...options, lifeMs: 60_000 });
    test.crypto.readAnswer = async (options) => ({ ...await read(options), lifeMs });
    const answering = { lifeMs, session: null as PeerSession | null };
    state.answer = (request) => answerHandshake(test, { request, halves, answering });
    await connect();
    await settle();
    assert(answering.session !== null);
    assertEquals(await stateOf(test), []);
  });
}

const SPOILT: Record<string, (test: TestNode) => Promise<Partial<ReadAnswer>>> = {
  "a method for the next pairs that this node lacks": ({ clock }) =>
    Promise.resolve({ next: { method: "spiral", issuedAt: clock.nowMs() } }),
  "another's record": async ({ directory }) => ({ record: await directory.keys.recordText() }),
  "a stranger's record that has expired": async ({ peer, clock }) => ({
    record: await peer.recordText({ seq: clock.nowMs() - 25 * 60 * MINUTE_MS }),
  }),
};

for (const [what, spoil] of Object.entries(SPOILT)) {
  Deno.test(`Caller takes an answer with ${what} for none`, async () => {
    const { test, calls, state, halves, connect } = await setUp();
    await using _ = test;
    const read = test.crypto.readAnswer.bind(test.crypto);
    const spoilt = await spoil(test);
    test.crypto.readAnswer = async (options) => ({ ...await read(options), ...spoilt });
    const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
    state.answer = (request) => answerHandshake(test, { request, halves, answering });
    await connect();
    await test.clock.advance(4_000);
    assert(answering.session !== null);
    assertEquals([await stateOf(test), test.vaultLines], [[], 1]);
    assertEquals([calls.length, new Set(calls.map(({ text }) => text)).size], [3, 1]);
  });
}

Deno.test("Caller takes the smaller life and the newer record of an answer, and writes the handshake down", async () => {
  const { test, state, halves, connect } = await setUp();
  await using _ = test;
  const text = await test.peer.recordText({
    seq: test.clock.nowMs() + 1,
    api_url: "https://moved.example",
  });
  const accept = test.crypto.acceptHandshake.bind(test.crypto);
  test.crypto.acceptHandshake = (options) => accept({ ...options, record: text });
  const answering = { lifeMs: 86_400_000, session: null as PeerSession | null };
  state.answer = (request) => answerHandshake(test, { request, halves, answering });
  await connect();
  await settle();
  const { sessions, token_cache } = (await test.admin("GET", "/status")).body;
  assertEquals(sessions[0].life_ms, NODE_DEFAULTS.sessionLifeMs);
  assertEquals(token_cache[0].validation_result, true);
  assertEquals(["token_validated", "handshake"].map((event) => test.log.audited(event)), [1, 1]);
  const posted = () => test.http.requests.filter(({ url }) => url.startsWith("https://moved."));
  assert(posted().length > 0, "the hello goes to the new address");
});

Deno.test("Caller ends with no session and no key of one whose pairs could not be stored", async () => {
  const { test, calls, state, halves, connect } = await setUp();
  await using _ = test;
  const made: KeyRef[] = [];
  const released = new Set<KeyRef>();
  const { startHandshake, completeHandshake, release } = test.crypto;
  test.crypto.startHandshake = async (options) => {
    const started = await startHandshake.call(test.crypto, options);
    made.push(started.handshake);
    return started;
  };
  test.crypto.completeHandshake = async (options) => {
    const completed = await completeHandshake.call(test.crypto, options);
    made.push(completed.session);
    test.files.isFull = true;
    return completed;
  };
  test.crypto.release = (key) => {
    released.add(key);
    return release.call(test.crypto, key);
  };
  const answering = { lifeMs: 3_600_000, session: null as PeerSession | null };
  state.answer = (request) => answerHandshake(test, { request, halves, answering });
  await connect();
  await test.clock.advance(500);
  const { sessions, peers } = (await test.admin("GET", "/status")).body;
  assertEquals([sessions, peers[0].last_error.code, calls.length], [[], "overloaded", 1]);
  assertEquals([made.length, made.filter((key) => !released.has(key))], [2, []]);
  test.files.isFull = false;
});

Deno.test("Caller repeats nothing to a peer that was blocked", async () => {
  const { test, calls, connect } = await setUp();
  await using _ = test;
  await connect();
  await settle();
  await test.admin("POST", "/peers/block", { peer: test.peer.id });
  await test.clock.advance(2 * MINUTE_MS);
  assertEquals(calls.length, 1);
});

Deno.test("Caller tries no further pair once the peer's own call has led to a session", async () => {
  const { test, calls, state } = await setUp();
  await using _ = test;
  state.answer = async () => {
    await test.connect();
    return answerJson(403, { code: "handshake_rejected" });
  };
  const session = await test.connect();
  await session.send({ type: "core.close" });
  await test.clock.advance(MINUTE_MS);
  assertEquals(calls.length, 1);
});

Deno.test("Caller tells the person what the directories said", async () => {
  const { test, introductions } = await setUp();
  await using _ = test;
  introductions.left.length = 0;
  const connecting = test.admin("POST", "/connect", { peer: test.peer.id, wait_ms: 500 });
  await test.clock.advance(500);
  const { status, body } = await connecting;
  assertEquals([status, body.code], [404, "node_unknown"]);
});

Deno.test("Caller warns of a known peer that no pair and no directory leads to, until there is a session", async () => {
  const { test, introductions, connect } = await setUp();
  await using _ = test;
  const warnings = async () => (await test.admin("GET", "/status")).body.warnings.length;
  const before = await warnings();
  introductions.left.length = 0;
  await connect();
  await test.clock.advance(MINUTE_MS);
  assertEquals(await warnings(), before, "it is not known yet");
  await test.connect();
  await test.admin("POST", "/tokens/revoke", { target: test.peer.id });
  await connect();
  await test.clock.advance(MINUTE_MS);
  assertEquals(await warnings(), before + 1);
  await test.connect();
  assertEquals(await warnings(), before);
});
