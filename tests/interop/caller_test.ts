/** The real node as the one who calls: what it repeats, what it believes, and where it goes on. */
import { assert, assertEquals } from "@std/assert";
import { base64Url, randomBytes } from "./bytes.ts";
import { CLASSIC, HYBRID } from "./handshake.ts";
import { type Json, open } from "./identity.ts";
import { Peer } from "./peer.ts";
import { FAST_TIMERS, openMiniScene } from "./scene.ts";

type Scene = Awaited<ReturnType<typeof openMiniScene>>;

/** Has the mini-directory introduce the node to these peers when it asks. */
function introduceOnRequest({ mini, node, nodeRecord }: Scene, peers: readonly Peer[]): void {
  mini.answerAsked = ({ target }) => {
    const peer = peers.find(({ id }) => id === target)!;
    const pair = mini.pair(node.id, target);
    peer.directory = mini.record;
    peer.open(mini.envelope(pair, "b", { to: peer.record, peer: nodeRecord() }));
    return Response.json({
      pair_id: base64Url(pair.pairId),
      method: pair.method,
      epoch: Math.floor(pair.issuedAt / 3_600_000),
      issued_at: pair.issuedAt,
      expires_at: pair.expiresAt,
      delivered: false,
      envelope: mini.envelope(pair, "a", { to: nodeRecord(), peer: peer.record }),
      directory: mini.record,
    });
  };
}

for (const [suite, fault] of [[HYBRID, "lost"], [CLASSIC, "spoilt"]] as const) {
  Deno.test(`the node repeats the very same message 1 after a ${fault} answer (${suite})`, async () => {
    await using scene = await openMiniScene({ pq: suite === HYBRID ? "prefer" : "off" });
    scene.node.clock.timerScale = FAST_TIMERS;
    const { mini, node, peer } = scene;
    introduceOnRequest(scene, [peer]);
    peer.answerFaults.push(fault);
    const waiting = node.connect(peer.id, 8_000);
    const calls = [await peer.called.take(), await peer.called.take()];
    assertEquals(new Set(calls.map(({ text }) => text)).size, 1);
    assertEquals(JSON.parse(calls[0]!.text).suite, suite);
    assertEquals((await mini.asked.take()).target, peer.id);
    assertEquals((await waiting).state, "confirmed");
  });
}

Deno.test("the node believes no message 2 that breaks a rule, and repeats its message 1", async () => {
  await using scene = await openMiniScene();
  scene.node.clock.timerScale = FAST_TIMERS;
  const { node, mini } = scene;
  const now = Date.now();
  const bends: Json[] = [
    { token: base64Url(randomBytes(32)) },
    { kem_ciphertext: base64Url(randomBytes(1_087)) },
    { kem_ciphertext: undefined },
    { life_ms: 59_999 },
    { life_ms: 86_400_001 },
    { life_ms: "60000" },
    { next: { method: "epsilon", issued_at: now } },
    { next: undefined },
    { record: scene.nodeRecord() },
    { must: ["time_travel"] },
  ];
  await using stack = new AsyncDisposableStack();
  const peers = bends.map((message2, n) => {
    const peer = stack.use(new Peer(`the peer ${n}, ${JSON.stringify(message2)}`));
    peer.message2 = message2;
    mini.records.set(peer.id, peer.record);
    return peer;
  });
  introduceOnRequest(scene, peers);
  for (const { id } of peers) await node.want(id);
  await Promise.all(peers.map(async (peer) => {
    const first = await peer.called.take();
    const second = await peer.called.take();
    assertEquals(first.text, second.text, peer.name);
    assertEquals(first.session?.frames.items, [], peer.name);
  }));
  assertEquals((await node.status()).sessions, []);
});

Deno.test("the node goes on to its next pair after a 403, and looks the peer up when none is left", async () => {
  await using scene = await openMiniScene();
  scene.node.clock.timerScale = FAST_TIMERS;
  const { mini, node, peer } = scene;
  const first = await peer.connect(await scene.introduce());
  introduceOnRequest(scene, [peer]);
  await node.decide(peer.id);
  await node.stop();
  peer.answerFaults.push("refused", "refused");
  await node.start({ directories: [mini.url] });
  const pairs: string[] = [];
  for (let n = 0; n < 3; n++) pairs.push(JSON.parse((await peer.called.take()).text).pair_id);
  const standby = first.keys.standby.map(({ half }) => base64Url(half.pairId));
  assertEquals(pairs.slice(0, 2), [standby[2], standby[3]]);
  assert(!standby.includes(pairs[2]!));
  assertEquals((await mini.asked.take()).target, peer.id);
  assert(mini.lookedUp.items.includes(peer.id));
});

Deno.test("the node repeats a message in the same bytes until it is acknowledged", async () => {
  await using scene = await openMiniScene();
  scene.node.clock.timerScale = FAST_TIMERS;
  const { node, peer } = scene;
  const session = await peer.connect(await scene.introduce());
  session.isSilent = true;
  const sent = await node.send(peer.id, "are you there?");
  assertEquals(sent.state, "queued");
  const { header, bytes } = await session.next("messaging.text");
  await session.cameTimes(bytes, 2);
  await session.send({ header: { type: "core.ack", ids: [header.id, "another"] } });
  await node.events.take((event) => event.type === "messaging.delivered" && event.id === sent.id);
});

Deno.test("the node's record and life_ms keep to their bounds", async () => {
  await using scene = await openMiniScene({ sessionLifeMs: 60_000 });
  scene.node.clock.timerScale = FAST_TIMERS;
  const { node, peer } = scene;
  const record = open("record", scene.nodeRecord());
  const { seq, iat, exp, noise_key: _, next, ...rest } = record;
  assertEquals(rest, {
    v: 3,
    iss: node.id,
    api_url: node.url,
    suites: [HYBRID, CLASSIC],
    methods: ["alpha", "beta", "gamma", "delta"],
    services: ["messaging", "files"],
  });
  assertEquals(iat, Math.floor(Number(seq) / 1_000));
  assert(Number(exp) > Number(iat) && Number(exp) - Number(iat) <= 86_400);
  assert(next === undefined || /^[A-Za-z0-9_-]{43}$/.test(String(next)));
  const session = await peer.connect(await scene.introduce());
  assertEquals(session.keys.lifeMs, 60_000);
  assertEquals(open("record", session.keys.peerRecord).iss, node.id);
});

Deno.test("the node repeats the bytes of its hello until a frame of the peer opened", async () => {
  await using scene = await openMiniScene();
  scene.node.clock.timerScale = FAST_TIMERS;
  const { node, peer } = scene;
  peer.isSilent = true;
  const held = await scene.introduce();
  // The node calls back on a standby pair after a restart; the peer stays silent at first.
  const first = await peer.call(held);
  await first.send({ header: { type: "core.hello" } });
  await first.next("core.hello");
  await node.decide(peer.id);
  await node.stop();
  const restarted = node.start({ directories: [scene.mini.url] });
  const { session } = await peer.called.take();
  assert(session !== null);
  await session.cameTimes((await session.next("core.hello")).bytes, 2);
  assertEquals((await node.status()).sessions[0]?.state, "unconfirmed");
  await session.send({ header: { type: "core.hello" } });
  await node.until(
    ({ sessions }) => sessions.some(({ state }) => state === "confirmed"),
    "the session to be confirmed",
  );
  await restarted;
});
