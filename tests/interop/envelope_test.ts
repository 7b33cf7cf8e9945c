import { assert, assertEquals } from "@std/assert";
import { base64Url, randomBytes } from "./bytes.ts";
import { startHandshake } from "./handshake.ts";
import { noiseKey } from "./identity.ts";
import { MiniDirectory } from "./mini_directory.ts";
import { Peer } from "./peer.ts";
import { openMiniScene } from "./scene.ts";
import type { HeldHalf } from "./envelope.ts";
import { halfOf } from "./tokens.ts";

Deno.test("the node refuses every envelope that does not hold with envelope_refused", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  await using elsewhere = new MiniDirectory();
  const to = scene.nodeRecord();
  const now = Date.now();
  const pair = () => mini.pair(peer.id, node.id);
  type Layers = Omit<Parameters<MiniDirectory["envelope"]>[2], "to" | "peer">;
  const bent = (layers: Layers) => mini.envelope(pair(), "b", { to, peer: peer.record, ...layers });
  const stale = (times: Record<string, number>) =>
    mini.envelope(pair(), "b", { to, peer: peer.sign(times) });
  const expired = mini.pair(peer.id, node.id, { issuedAt: now - 421_000 });
  const foreign = elsewhere.pair(peer.id, node.id);
  const sound = bent({});
  const [header, payload, signature] = sound.split(".") as [string, string, string];
  const cases: Record<string, string> = {
    "another aud": bent({ outer: { aud: peer.id } }),
    "expired": mini.envelope(expired, "b", { to, peer: peer.record }),
    "an unasked initiator half": mini.envelope(mini.pair(node.id, peer.id), "a", {
      to,
      peer: peer.record,
    }),
    "sealed by another noise key": bent({ key: noiseKey() }),
    "iat beside issued_at": bent({ outer: { iat: Math.floor(now / 1000) - 9 } }),
    "exp beside expires_at": bent({ outer: { exp: Math.floor(now / 1000) + 9 } }),
    "expires_at beside five minutes": bent({ inner: { expires_at: now + 300_001 } }),
    "another epoch": bent({ inner: { epoch: 1 } }),
    "an unlisted method": bent({ inner: { method: "epsilon" } }),
    "an unknown role": bent({ inner: { role: "onlooker" } }),
    "a peer that is the node itself": bent({ inner: { peer: to } }),
    "a peer's record without signature": bent({ inner: { peer: "a.b.c" } }),
    "a stranger's stale record": stale({ iat: 1, exp: 2 }),
    "a short token": bent({ inner: { token: base64Url(randomBytes(31)) } }),
    "another pair_id outside": bent({ outer: { pair_id: base64Url(randomBytes(16)) } }),
    "a broken signature": `${header}.${payload}.${
      signature.replace(/^./, (first) => first === "_" ? "A" : "_")
    }`,
    "a record for an envelope": peer.sign(),
    "unknown name in must": bent({ inner: { must: ["time_travel"] } }),
  };
  for (const [name, envelope] of Object.entries(cases)) {
    const { status, body } = await mini.push(node.url, envelope);
    assertEquals([status, body.code], [403, "envelope_refused"], name);
  }
  const unknown = elsewhere.envelope(foreign, "b", { to, peer: peer.record });
  const refused = await elsewhere.push(node.url, unknown);
  assertEquals([refused.status, refused.body.code], [403, "envelope_refused"]);
  assertEquals((await mini.push(node.url, sound)).body, { received: true });
});

Deno.test("the node takes the same text again, and no other one with its pair_id", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const pair = mini.pair(peer.id, node.id);
  const layers = { to: scene.nodeRecord(), peer: peer.record };
  const envelope = mini.envelope(pair, "b", layers);
  for (let n = 0; n < 2; n++) {
    const { status, body } = await mini.push(node.url, envelope);
    assertEquals([status, body], [200, { received: true }]);
  }
  const other = await mini.push(node.url, mini.envelope(pair, "b", layers));
  assertEquals([other.status, other.body.code], [409, "pair_seen"]);
  const held = { half: halfOf(pair, "a"), peerRecord: layers.to };
  await peer.connect(held);
  assertEquals((await mini.push(node.url, envelope)).status, 200);
  const spent = await peer.postHandshake(held, startHandshake(held, peer.self).body);
  assertEquals(spent.status, 403);
});

Deno.test("the node keeps four unused pairs of a peer and issuer, and lets the oldest go", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  const held: HeldHalf[] = [];
  for (let n = 0; n < 5; n++) held.push(await scene.introduce({ issuedAt: Date.now() - 10 + n }));
  const [oldest, second] = held as [HeldHalf, HeldHalf];
  const refused = await peer.postHandshake(oldest, startHandshake(oldest, peer.self).body);
  assertEquals(refused.status, 403);
  await peer.connect(second);
});

Deno.test("the node opens pairs of every method, issued by another program", async () => {
  await using scene = await openMiniScene();
  for (const method of ["alpha", "beta", "gamma", "delta"]) {
    const session = await scene.peer.connect(await scene.introduce({ method }));
    session.stepTo(1);
    await session.send(session.sendText(method, method));
    await scene.node.message();
  }
  assertEquals((await scene.node.inbox()).length, 4);
});

Deno.test("the node takes the directory's newer record from a push, and its new noise key", async () => {
  await using scene = await openMiniScene();
  const { mini, node, peer } = scene;
  const key = noiseKey();
  const record = mini.sign({ noise_key: base64Url(key.public) });
  const envelope = mini.envelope(mini.pair(peer.id, node.id), "b", {
    to: scene.nodeRecord(),
    peer: peer.record,
    key,
  });
  assert(record !== "");
  const { status, body } = await mini.push(node.url, envelope);
  assertEquals([status, body], [200, { received: true }]);
});

Deno.test("the node answers pushes of a wrong shape or size with 400 and 413", async () => {
  await using scene = await openMiniScene();
  const { node } = scene;
  const statusOf = async (body: string) => {
    const response = await fetch(`${node.url}/tokens/receive`, { method: "POST", body });
    return [response.status, (await response.json()).code];
  };
  for (const body of ["", "[]", "{}", '{"envelope":7}']) {
    assertEquals(await statusOf(body), [400, "bad_request"], body);
  }
  assertEquals(await statusOf("x".repeat(100_000)), [413, "too_large"]);
});

Deno.test("a blocked or unknown caller learns nothing from its refusal", async () => {
  await using scene = await openMiniScene();
  await using stranger = new Peer("a stranger");
  const held = await scene.introduce();
  const known = await scene.peer.postHandshake(
    held,
    startHandshake(held, scene.peer.self, { payload: { token: base64Url(randomBytes(32)) } }).body,
  );
  const unknown = await stranger.postHandshake(held, startHandshake(held, stranger.self).body);
  assertEquals(unknown.body, known.body);
  assertEquals(unknown.status, known.status);
});
