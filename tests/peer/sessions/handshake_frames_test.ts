import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { OpenedEnvelope } from "../../../crypto/interface.ts";
import { frameSessionId } from "../../../protocol/peer_api.ts";
import { FakeChannel } from "../p2p/fake_channel.ts";
import { type PeerSession, TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { settle } from "../../world/settle.ts";
import { until } from "../../world/until.ts";

const CALL = encodeBase64Url(new Uint8Array(16).fill(1));

/** The peer's message 1 on a pair. */
async function firstMessage(test: TestNode, { half, info }: OpenedEnvelope) {
  const { handshake, noise } = await test.crypto.startHandshake({
    noiseKey: test.peer.noiseKey,
    peerNoiseKey: (await test.record()).payload.noise_key,
    suite: "ik-x25519",
    half,
    record: await test.peer.recordText(),
  });
  const pair_id = encodeBase64Url(info.pairId);
  return { handshake, noise, header: { type: "core.handshake", suite: "ik-x25519", pair_id } };
}

/** What the node has answered since, by frames of one session. */
async function answers(test: TestNode, session: PeerSession) {
  const opened = [];
  for (const frame of test.posted.splice(0)) {
    const id = encodeBase64Url(frameSessionId(frame)!);
    if (id === encodeBase64Url(session.sessionId)) opened.push(await session.open(frame));
  }
  return opened.filter(({ header }) => header.type === "core.handshaken");
}

async function answerTo(test: TestNode, session: PeerSession, count = 1) {
  const all: Awaited<ReturnType<typeof answers>> = [];
  await until(async () => {
    all.push(...await answers(test, session));
    return all.length >= count;
  }, "an answer");
  return all;
}

Deno.test("a handshake on a session that is there is answered on it, and makes another session", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const session = await test.connect();
  const { handshake, noise, header } = await firstMessage(test, await test.introduce());
  await session.send({ ...header, call: CALL }, noise.slice());
  const [answer] = await answerTo(test, session);
  assertEquals(answer!.header, { type: "core.handshaken", call: CALL });
  await test.crypto.readAnswer({ handshake, noise: answer!.body });
  const nowMs = test.clock.monotonicMs();
  assertEquals((await test.crypto.completeHandshake({ handshake, nowMs })).sessionId.length, 16);
});

Deno.test("the same message 1 in another frame, call or session gets the same answer", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const [one, other] = [await test.connect(), await test.connect()];
  const { noise, header } = await firstMessage(test, await test.introduce());
  await one.send({ ...header, call: CALL }, noise.slice());
  const [first] = await answerTo(test, one);
  const call = encodeBase64Url(new Uint8Array(16).fill(2));
  await other.send({ ...header, call }, noise.slice());
  const [second] = await answerTo(test, other);
  assertEquals([second!.header.call, second!.body], [call, first!.body]);
});

Deno.test("a frame that is carried twice is answered once", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const session = await test.connect();
  const { noise, header } = await firstMessage(test, await test.introduce());
  const frame = await session.seal({ ...header, call: CALL }, noise.slice());
  assertEquals((await session.post(frame)).status, 200);
  assertEquals((await session.post(frame)).status, 200);
  await answerTo(test, session);
  await settle();
  assertEquals(await answers(test, session), []);
});

Deno.test("a session speaks for its own peer alone, and what does not hold is refused alike", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const former = await test.introduce();
  const message = await firstMessage(test, former);
  // Another peer shows what was meant for the pair of the first.
  test.peer = await TestNodeKeys.create(test.crypto);
  const { api_url } = (await test.peer.record()).payload;
  test.http.serve(`${api_url}/p2p/message`, ({ body }) => {
    const { data } = JSON.parse(new TextDecoder().decode(body));
    test.posted.push(Uint8Array.fromBase64(data, { alphabet: "base64url" }));
    return { status: 200, headers: new Headers(), body: new TextEncoder().encode("{}") };
  });
  await test.decide();
  const session = await test.connect();
  const own = await firstMessage(test, await test.introduce());
  const broken = own.noise.slice();
  broken[40]! ^= 1;
  const unknown = encodeBase64Url(new Uint8Array(16).fill(9));
  const cases: [Record<string, unknown>, Uint8Array][] = [
    [message.header, message.noise],
    [own.header, broken],
    [{ ...own.header, pair_id: unknown }, own.noise],
    [{ ...own.header, suite: "ik-none" }, own.noise],
  ];
  for (const [header, noise] of cases) {
    await session.send({ ...header, call: CALL }, noise.slice());
    const [answer] = await answerTo(test, session);
    assertEquals([answer!.header.error, answer!.body.length], ["handshake_rejected", 0]);
  }
});

Deno.test("without a body, or with one that is too long, a frame is dropped", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const session = await test.connect();
  const { header } = await firstMessage(test, await test.introduce());
  await session.send({ ...header, call: CALL });
  await session.send({ ...header, call: CALL }, new Uint8Array(16_385));
  await session.send({ ...header, call: "short" }, new Uint8Array(96));
  await settle();
  assertEquals(await answers(test, session), []);
  const { body } = await test.admin("GET", "/status");
  assertEquals(body.counters.frames_dropped, 3);
});

Deno.test("handshakes of a peer by frames and by POST have one limit", async () => {
  await using test = await TestNode.start({ handshakesPerMinute: 3 });
  await test.decide();
  const session = await test.connect();
  const pair_id = encodeBase64Url(new Uint8Array(16));
  const half = await test.introduce();
  const { noise, header } = await firstMessage(test, half);
  await session.send({ ...header, call: CALL }, noise.slice());
  await session.send({ ...header, call: CALL }, noise.slice());
  await session.send({ ...header, call: CALL }, noise.slice());
  const errors = (await answerTo(test, session, 3)).map(({ header: { error } }) => error ?? null);
  assertEquals(errors.sort(), [null, null, "rate_limited"]);
  const { status } = await test.post("/p2p/handshake", {
    v: 3,
    suite: "ik-x25519",
    pair_id: header.pair_id,
    noise: encodeBase64Url(noise),
  });
  assertEquals([status, pair_id.length], [429, 22]);
});

/** The node has a channel to the peer, whose hello said this, and is asked to renew. */
async function renewing(test: TestNode, hello: Record<string, unknown>) {
  const channel = new FakeChannel();
  test.http.openedChannel = () => channel;
  await test.decide();
  const session = await test.call(await test.introduce());
  await session.send({ type: "core.hello", ...hello });
  await test.clock.advance(1_000);
  await test.admin("POST", "/tokens/renew", { peer: test.peer.id });
  const frames: Record<string, unknown>[] = [];
  const read = async () => {
    for (const frame of channel.sent.splice(0)) frames.push((await session.open(frame)).header);
    return frames.filter(({ type }) => type === "core.handshake");
  };
  const posts = () => test.http.requests.filter(({ url }) => url.endsWith("/p2p/handshake"));
  return { channel, read, posts };
}

Deno.test("a node renews on the channel with a peer that said it takes that, and by POST in turns", async () => {
  await using test = await TestNode.start();
  const { read, posts } = await renewing(test, { handshakes: true });
  await until(async () => (await read()).length > 0, "message 1 on the channel");
  assertEquals([(await read()).length, posts().length], [1, 0]);
  // No answer in 5 s, then a second later by POST, and again on the channel.
  await test.clock.advance(6_500);
  await until(() => posts().length > 0, "message 1 by POST");
  assertEquals((await read()).length, 1);
  await until(async () => {
    await test.clock.advance(1_000);
    return (await read()).length === 2;
  }, "the same once more on the channel");
  assertEquals(posts().length, 1);
});

Deno.test("a peer whose hello says nothing of handshakes gets none on the channel", async () => {
  await using test = await TestNode.start();
  const { read, posts } = await renewing(test, {});
  await until(() => posts().length > 0, "message 1 by POST");
  await test.clock.advance(20_000);
  assertEquals(await read(), []);
});
