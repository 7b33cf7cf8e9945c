import { assertEquals, assertNotEquals } from "@std/assert";
import { base64Url, randomBytes, utf8 } from "./bytes.ts";
import { CLASSIC, startHandshake } from "./handshake.ts";
import { noiseKey } from "./identity.ts";
import { Peer } from "./peer.ts";
import { openMiniScene } from "./scene.ts";

Deno.test("the node gives the same message 1 the same answer, and lets another one replace it", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  const held = await scene.introduce();
  const first = startHandshake(held, peer.self);
  const answer = await peer.postHandshake(held, first.body);
  assertEquals(answer.status, 200);
  assertEquals(Object.keys(answer.body).sort(), ["noise", "session_established", "session_id"]);
  assertEquals(await peer.postHandshake(held, first.body).then(({ body }) => body), answer.body);
  const replaced = peer.adopt(first.finish(answer.body));
  const second = await peer.call(held);
  assertNotEquals(second.idHex, replaced.idHex);
  const old = await replaced.post(replaced.seal({ header: { type: "core.hello" } }));
  assertEquals([old.status, old.body.code], [404, "session_unknown"]);
  // A standby pair of the replaced session went with it.
  const gone = startHandshake(replaced.keys.standby[0]!, peer.self);
  assertEquals((await peer.postHandshake(held, gone.body)).status, 403);
  await second.send({ header: { type: "core.hello" } });
  await second.next("core.hello");
  const third = await peer.postHandshake(held, startHandshake(held, peer.self).body);
  assertEquals([third.status, third.body.code], [403, "handshake_rejected"]);
  assertEquals((await node.status()).sessions.length, 1);
});

Deno.test("the node refuses every handshake that proves nothing, in one form, and burns no pair", async () => {
  await using scene = await openMiniScene();
  const { node, peer, nodeRecord } = scene;
  await using stranger = new Peer("a stranger");
  const held = await scene.introduce();
  const { half } = held;
  const cases = {
    "unknown pair": { outer: { pair_id: base64Url(randomBytes(16)) } },
    "another suite outside": { outer: { suite: CLASSIC } },
    "unheard-of suite": { suite: "ik-x448" },
    "worse suite than both list": { suite: CLASSIC },
    "wrong token": { payload: { token: base64Url(randomBytes(32)) } },
    "own salt's token": { payload: { token: base64Url(half.peerSalt) } },
    "short token": { payload: { token: base64Url(half.token.slice(1)) } },
    "another static key": { key: noiseKey() },
    "record of somebody else": { payload: { record: stranger.record } },
    "record of the node itself": { payload: { record: nodeRecord() } },
    "no record": { payload: { record: undefined } },
    "record of text": { payload: { record: "record" } },
    "KEM key with large coefficients": {
      payload: { kem_key: base64Url(new Uint8Array(1184).fill(255)) },
    },
    "KEM key cut short": { payload: { kem_key: base64Url(randomBytes(1183)) } },
    "no KEM key": { payload: { kem_key: undefined } },
    "spoilt Noise": { outer: { noise: base64Url(randomBytes(600)) } },
    "all-zero ephemeral": { outer: { noise: base64Url(new Uint8Array(600)) } },
    "unknown name in must": { payload: { must: ["time_travel"] } },
    "succession by nobody": { payload: { succession: "x.y.z" } },
  };
  const seen = new Map<string, unknown>();
  for (const [name, bend] of Object.entries(cases)) {
    const { status, body } = await peer.postHandshake(
      held,
      startHandshake(held, peer.self, bend).body,
    );
    seen.set(name, { status, body });
  }
  const [sample] = [...seen.values()] as { status: number; body: Record<string, unknown> }[];
  assertEquals([sample?.status, sample?.body.code], [403, "handshake_rejected"]);
  for (const [name, answer] of seen) assertEquals(answer, sample, name);
  await peer.connect(held);
  assertEquals((await node.status()).sessions.length, 1);
});

Deno.test("the node refuses a pair in its own direction and a suite it does not list", async () => {
  await using scene = await openMiniScene({ pq: "off" });
  const { peer } = scene;
  const held = await scene.introduce();
  const hybrid = await peer.postHandshake(held, startHandshake(held, peer.self).body);
  assertEquals([hybrid.status, hybrid.body.code], [403, "handshake_rejected"]);
  const session = await peer.connect(held, { suite: CLASSIC });
  const theirs = session.keys.standby[2]!;
  const { status, body } = await peer.postHandshake(
    theirs,
    startHandshake(theirs, peer.self, { suite: CLASSIC }).body,
  );
  assertEquals([status, body.code], [403, "handshake_rejected"]);
});

Deno.test("the node takes the classic suite from a peer that lists no other, and ignores kem_key there", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  peer.sign({ suites: [CLASSIC] });
  const held = await scene.introduce();
  const session = await peer.connect(held, { suite: CLASSIC, payload: { kem_key: 17 } });
  assertEquals(session.keys.suite, CLASSIC);
});

Deno.test("the node answers size and shape before anything else", async () => {
  await using scene = await openMiniScene();
  const { peer, node } = scene;
  const held = await scene.introduce();
  const { body } = startHandshake(held, peer.self);
  const codes = async (input: unknown) => {
    const { status, body } = await peer.postHandshake(held, input);
    return [status, body.code];
  };
  assertEquals(await codes({ ...body, padding: "x".repeat(16_384) }), [413, "too_large"]);
  for (const shape of [[], "[", "null", '"text"', { ...body, noise: undefined }]) {
    assertEquals(await codes(shape), [400, "bad_request"], JSON.stringify(shape));
  }
  assertEquals(await codes({ ...body, pair_id: "AA" }), [400, "bad_request"]);
  assertEquals(await codes({ ...body, noise: "QR" }), [400, "bad_request"]);
  assertEquals(await codes({ ...body, suite: 7 }), [400, "bad_request"]);
  assertEquals(await codes({ ...body, v: 4 }), [400, "unsupported"]);
  assertEquals(await codes({ ...body, must: ["time_travel"] }), [400, "unsupported"]);
  const broken = await fetch(`${node.url}/p2p/handshake`, {
    method: "POST",
    body: new Uint8Array([...utf8(JSON.stringify(body)).slice(0, -2), 0xff, 0x22, 0x7d]),
  });
  assertEquals([broken.status, (await broken.json()).code], [400, "bad_request"]);
  const grown = await peer.postHandshake(held, { ...body, later: true });
  assertEquals(grown.status, 200);
});

Deno.test("the node refuses who is gone, and takes it back with a higher seq", async () => {
  await using scene = await openMiniScene();
  const { peer } = scene;
  const held = await scene.introduce();
  peer.sign({ gone: true, api_url: "" });
  const refused = await peer.postHandshake(held, startHandshake(held, peer.self).body);
  assertEquals([refused.status, refused.body.code], [403, "handshake_rejected"]);
  peer.sign();
  await peer.connect(held);
});
