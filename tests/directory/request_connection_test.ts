import { assert, assertEquals } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { decodeBase64Url } from "../../crypto/encoding.ts";
import type { OpenedKeystore } from "../../crypto/interface.ts";
import { decodePairStatement } from "../../protocol/statements.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { DAY_MS, START_MS, TestDirectory } from "./test_directory.ts";
import { CHEAP_COST } from "../world/cores.ts";

async function keystoreOf(core: LocalCryptoCore): Promise<OpenedKeystore> {
  const secret = () => new Uint8Array(32).fill(7);
  const { sealed } = await core.createKeystore({ secret: secret(), cost: CHEAP_COST });
  return await core.openKeystore({ sealed, secret: secret() });
}

async function openHalf(
  core: LocalCryptoCore,
  half: { keys: OpenedKeystore; node: FakeNode; envelope: string; directoryNoiseKey: string },
) {
  const { iss } = await core.verifyJws({ text: half.envelope, typ: "openred-pair+jwt" });
  const pair = decodePairStatement(half.envelope);
  assertEquals(pair.aud, half.node.id);
  return await core.openEnvelope({
    noiseKeys: half.keys.noiseKeys.map(({ key }) => key),
    directoryNoiseKey: decodeBase64Url(half.directoryNoiseKey)!,
    directoryId: iss,
    nodeId: half.node.id,
    pairId: pair.pair_id,
    noise: pair.noise,
  });
}

Deno.test("request-connection gives each node its own half of one pair", async () => {
  await using test = await TestDirectory.start();
  const core = await LocalCryptoCore.create();
  const [keysA, keysB] = [await keystoreOf(core), await keystoreOf(core)];
  const a = test.node(1, { noiseKey: keysA.noiseKeys[0]!.publicKey });
  const b = test.node(2, { noiseKey: keysB.noiseKeys[0]!.publicKey });
  const registered = await test.register(a.record());
  await test.register(b.record());
  const { status, body } = await test.connect(a, { target: b.id });
  assertEquals(status, 200);
  assertEquals(body.delivered, true);
  assertEquals(body.issued_at, START_MS);
  assertEquals(body.expires_at, START_MS + 300_000);
  assertEquals(body.epoch, Math.floor(START_MS / 3_600_000));
  const date = new Date(START_MS);
  const methods = ["alpha", "beta", "gamma", "delta"];
  assertEquals(body.method, methods[(date.getUTCHours() + date.getUTCDate()) % 4]);
  assertEquals(a.received, [{ envelope: body.envelope, directory: body.directory }]);
  assertEquals(b.received.length, 1);
  const directoryNoiseKey = registered.body.directory_noise_key;
  const halfA = await openHalf(core, {
    keys: keysA,
    node: a,
    envelope: body.envelope,
    directoryNoiseKey,
  });
  const envelope = b.received[0]!.envelope;
  const halfB = await openHalf(core, { keys: keysB, node: b, envelope, directoryNoiseKey });
  assertEquals([halfA.info.role, halfB.info.role], ["initiator", "responder"]);
  assertEquals(halfA.info.pairId, halfB.info.pairId);
  assertEquals([halfA.info.idA, halfA.info.idB], [a.id, b.id]);
  assertEquals([halfB.info.idA, halfB.info.idB], [a.id, b.id]);
  assertEquals([halfA.info.issuer, halfA.info.expiresAt], [test.directory.id, START_MS + 300_000]);
});

Deno.test("request-connection checks in the protocol's order", async () => {
  await using test = await TestDirectory.start();
  const [a, b, stranger] = [test.node(1), test.node(2), test.node(3)];
  await test.register(a.record());
  const ask = async (node: FakeNode, content: unknown) => {
    const { status, body } = await test.connect(node, content);
    return [status, body.code];
  };
  assertEquals(await ask(stranger, "{"), [400, "bad_request"]);
  assertEquals(await ask(stranger, { record: b.record(), target: 1 }), [400, "bad_request"]);
  assertEquals(await ask(stranger, { record: stranger.record() + "A" }), [400, "bad_signature"]);
  const stale = { seq: START_MS - 90_000_000, api_url: "http://127.0.0.1" };
  assertEquals(await ask(stranger, { record: stranger.record(stale) }), [400, "record_stale"]);
  const inside = { api_url: "http://127.0.0.1" };
  assertEquals(await ask(stranger, { record: stranger.record(inside) }), [400, "url_refused"]);
  assertEquals(await ask(stranger, { target: 1 }), [403, "requester_unknown"]);
  assertEquals(await ask(stranger, { record: stranger.gone() }), [403, "requester_unknown"]);
  assertEquals(await ask(a, {}), [400, "bad_request"]);
  assertEquals(await ask(a, { target: "z6Mk" }), [400, "bad_request"]);
  assertEquals(await ask(a, { target: a.id }), [400, "bad_request"]);
  assertEquals(await ask(a, { target: b.id, must: ["fly"] }), [400, "unsupported"]);
  const unknown = await test.connect(a, { target: b.id });
  assertEquals([unknown.status, unknown.body.code], [404, "node_unknown"]);
  assert(Number(unknown.headers.get("retry-after")) > 0);
  await test.register(b.record({ methods: ["epsilon"] }));
  assertEquals(await ask(a, { target: b.id }), [409, "method_none"]);
  test.clock.advance(1_000);
  await test.register(b.gone());
  const calls = test.network.requests.length;
  assertEquals(await ask(a, { target: b.id }), [502, "target_unreachable"]);
  await test.registerNew(b);
  test.clock.advance(DAY_MS + 121_000);
  assertEquals((await test.register(a.record())).status, 201);
  assertEquals(await ask(a, { target: b.id }), [502, "target_unreachable"]);
  assertEquals(test.network.requests.length, calls + 2);
  assertEquals((await test.get("/metrics")).body.includes("openred_pairs_issued_total{"), false);
});

Deno.test("request-connection serves a requester known only by its record, without a push", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  await test.register(b.record());
  const { status, body } = await test.connect(a, { target: b.id, record: a.record() });
  assertEquals([status, body.delivered], [200, false]);
  assertEquals([a.received.length, b.received.length], [0, 1]);
  assertEquals((await test.get(`/api/v3/nodes/${a.id}`)).status, 404);
});

Deno.test("request-connection pushes to the stored URL, not to the one sent along", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  await test.register(a.record());
  await test.register(b.record());
  test.clock.advance(1_000);
  const record = a.record({ api_url: "https://elsewhere.example" });
  const { body } = await test.connect(a, { target: b.id, record });
  assertEquals([body.delivered, a.received.length], [true, 1]);
  const urls = test.network.requests.map(({ url }) => new URL(url).hostname);
  assertEquals(urls.includes("elsewhere.example"), false);
});

Deno.test("request-connection throws the requester's half away if the target does not take its own", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  await test.register(a.record());
  await test.register(b.record());
  for (const status of [199, 302, 403, 500]) {
    b.receiveStatus = status;
    const { body } = await test.connect(a, { target: b.id });
    assertEquals([body.code, body.envelope], ["target_unreachable", undefined]);
  }
  assertEquals(a.received, []);
  b.receiveStatus = 204;
  a.receiveStatus = 403;
  const { status, body } = await test.connect(a, { target: b.id });
  assertEquals([status, body.delivered], [200, false]);
  assert(body.envelope.length > 100);
});

Deno.test("A gone requester is unknown, and a newer record of its own brings it back", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  const first = a.record();
  await test.register(first);
  await test.register(b.record());
  test.clock.advance(1_000);
  await test.register(a.gone());
  const code = async (content: object) => (await test.connect(a, content)).body.code;
  assertEquals(await code({ target: b.id }), "requester_unknown");
  assertEquals(await code({ target: b.id, record: first }), "requester_unknown");
  test.clock.advance(1_000);
  const { status, body } = await test.connect(a, { target: b.id, record: a.record() });
  assertEquals([status, body.delivered], [200, false]);
  const metrics = (await test.get("/metrics")).body;
  assertEquals(metrics.includes('openred_pushes_total{to="requester"'), false);
});

Deno.test("The directory cannot be asked for itself", async () => {
  await using test = await TestDirectory.start();
  const a = test.node(1);
  await test.register(a.record());
  const { body } = await test.connect(a, { target: test.directory.id });
  assertEquals(body.code, "node_unknown");
});
