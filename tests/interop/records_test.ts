/** Which record of the independent peer the real node goes by. */
import { assert, assertEquals } from "@std/assert";
import { base64Url, randomBytes, sha256 } from "./bytes.ts";
import { CLASSIC, HYBRID, startHandshake } from "./handshake.ts";
import { Identity, noiseKey, open } from "./identity.ts";
import { openMiniScene } from "./scene.ts";
import { Peer } from "./peer.ts";

Deno.test("a peer may show a new noise key, and the former one counts no longer", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const first = await peer.connect(await scene.introduce());
  const { key, record } = peer;
  peer.key = noiseKey();
  peer.sign();
  const second = await peer.connect(first.keys.standby[0]!, { payload: { later: true } });
  await node.until(
    ({ sessions }) => sessions.some(({ session_id }) => session_id === second.idHex),
    "the second session",
  );
  const next = second.keys.standby[0]!;
  const former = startHandshake(next, { id: peer.id, key, record });
  assertEquals((await peer.postHandshake(next, former.body)).status, 403);
  const mixed = startHandshake(next, { id: peer.id, key: peer.key, record });
  assertEquals((await peer.postHandshake(next, mixed.body)).status, 200);
});

Deno.test("a known peer's record that fails by its times is left aside, a stranger's refused", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  const now = Date.now();
  const old = now - 2 * 86_400_000;
  const times = { iat: Math.floor(old / 1000), exp: Math.floor(old / 1000) + 3_600, seq: old };
  const ahead = now + 300_000;
  const held = await scene.introduce();
  const refusals = [times, { seq: ahead, iat: Math.floor(ahead / 1000) }];
  const sound = peer.record;
  for (const members of refusals) {
    const self = { ...peer.self, record: peer.sign(members) };
    const { status } = await peer.postHandshake(held, startHandshake(held, self).body);
    assertEquals(status, 403, JSON.stringify(members));
  }
  const session = await peer.connect(held, { payload: { record: sound } });
  for (const [i, members] of refusals.entries()) {
    const standby = session.keys.standby[i]!;
    const self = { ...peer.self, record: peer.sign(members) };
    const { status } = await peer.postHandshake(standby, startHandshake(standby, self).body);
    assertEquals(status, 200, JSON.stringify(members));
  }
});

Deno.test("of two records with one seq the bytewise greater text wins, in any order", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const session = await peer.connect(await scene.introduce());
  const seq = Date.now() + 5;
  const pair = ["one", "two"].map((alias) => peer.sign({ seq, alias }));
  const winner = pair.toSorted()[1]!;
  for (const record of [winner, pair.toSorted()[0]!]) {
    await session.send({ header: { type: "core.record", record } });
  }
  await session.send(session.sendText("end", "end"));
  await session.acknowledged("end");
  const view = (await node.status()).peers.find(({ node_id }) => node_id === peer.id);
  assertEquals(view?.alias, open("record", winner).alias);
});

Deno.test("the best suite is the first of the page, whatever order a record lists", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  peer.sign({ suites: [CLASSIC, "ik-x448", HYBRID] });
  const held = await scene.introduce();
  const worse = startHandshake(held, peer.self, { suite: CLASSIC });
  assertEquals((await peer.postHandshake(held, worse.body)).status, 403);
  await peer.connect(held);
});

Deno.test("a node that gave up a better suite takes it while a record that lists it is fresh", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const first = await peer.connect(await scene.introduce());
  await node.stop();
  // The node calls back at its start, which is left to fail: the peer calls it.
  peer.answerFaults.push("refused", "refused", "refused", "refused");
  await node.start({ directories: [mini.url], pq: "off" });
  const better = await peer.connect(first.keys.standby[0]!);
  assertEquals(open("record", better.keys.peerRecord).suites, [CLASSIC]);
  const listed = await peer.connect(better.keys.standby[0]!, { suite: CLASSIC });
  assertEquals(listed.keys.suite, CLASSIC);
});

Deno.test("core.keep of the larger id, or on a closed session, is neither obeyed nor acknowledged", async () => {
  await using scene = await openMiniScene();
  const { node, mini } = scene;
  const seedOf = (isSmaller: boolean) => {
    for (;;) {
      const seed = randomBytes(32);
      if ((new Identity(seed).id < node.id) === isSmaller) return seed;
    }
  };
  for (const isSmaller of [true, false]) {
    await using peer = new Peer("the peer", { seed: seedOf(isSmaller) });
    const pair = mini.pair(peer.id, node.id);
    const to = scene.nodeRecord();
    await mini.push(node.url, mini.envelope(pair, "b", { to, peer: peer.record }));
    peer.directory = mini.record;
    const first = await peer.connect(
      peer.open(mini.envelope(pair, "a", { to: peer.record, peer: to })),
    );
    const second = await peer.connect(first.keys.standby[0]!);
    const [older, newer] = [first, second].map(({ keys }) => base64Url(keys.sessionId));
    const keep = (id: string, close: unknown[]) => ({ header: { type: "core.keep", id, close } });
    if (isSmaller) {
      await second.send(keep("k1", [older]));
      await second.acknowledged("k1");
      await first.send(keep("k2", [newer]));
    } else {
      await second.send(keep("k2", [older]));
    }
    await second.send(second.sendText("end", "end"));
    await second.acknowledged("end");
    const acks = [first, second].flatMap(({ frames }) => frames.items)
      .flatMap(({ header }) => header.type === "core.ack" ? header.ids : []);
    assert(!acks.includes("k2"), `${acks}`);
    await peer.connect(second.keys.standby[1]!);
  }
});

Deno.test("the node pins the first next it sees", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const seeds = [randomBytes(32), randomBytes(32)];
  const [pinned, later] = seeds.map((seed) => new Identity(seed));
  peer.sign({ next: base64Url(sha256(pinned!.raw)) });
  const session = await peer.connect(await scene.introduce());
  const record = peer.sign({ next: base64Url(sha256(later!.raw)) });
  await session.send({ header: { type: "core.record", record } });
  await session.send(session.sendText("end", "end"));
  await session.acknowledged("end");
  await using thief = new Peer("a thief", { seed: seeds[1]! });
  const pair = mini.pair(thief.id, node.id);
  const to = scene.nodeRecord();
  await mini.push(node.url, mini.envelope(pair, "b", { to, peer: thief.record }));
  thief.directory = mini.record;
  const held = thief.open(mini.envelope(pair, "a", { to: thief.record, peer: to }));
  const succession = thief.identity.sign("succession", { v: 3, old: peer.id, iat: 1 });
  await thief.postHandshake(
    held,
    startHandshake(held, thief.self, { payload: { succession } }).body,
  );
  await peer.connect(session.keys.standby[0]!);
});
