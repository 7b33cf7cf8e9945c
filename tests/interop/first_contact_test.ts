import { assert, assertEquals, assertMatch } from "@std/assert";
import { base64Url, textOf, unbase64Url } from "./bytes.ts";
import { CLASSIC, HYBRID } from "./handshake.ts";
import { open } from "./identity.ts";
import { openScene } from "./scene.ts";

Deno.test("register answers 201 with all members after the callback", async () => {
  await using scene = await openScene();
  const { directory, peer } = scene;
  const { status, body } = await peer.register(directory.url);
  assertEquals(status, 201);
  const record = open("record", body.directory);
  assertEquals(body.node_id, peer.id);
  assertEquals(body.status, "active");
  assertEquals(body.directory_id, directory.id);
  assertEquals(record.iss, directory.id);
  assertEquals(body.directory_noise_key, record.noise_key);
  assertEquals(record.api_url, directory.url);
  assertEquals(record.suites, []);
  assertEquals(record.services, ["directory"]);
  assertEquals(record.iat, Math.floor(Number(record.seq) / 1000));
  const [leaseMs, againMs] = [Number(body.lease_ms), Number(body.reannounce_after_ms)];
  assert(leaseMs > 0 && againMs > 0 && againMs < leaseMs);
});

for (const suite of [HYBRID, CLASSIC]) {
  Deno.test(`the peer, introduced by the directory, exchanges texts with the node (${suite})`, async () => {
    await using scene = await openScene({ pq: suite === HYBRID ? "prefer" : "off" });
    const { directory, node, peer } = scene;
    const held = await peer.askForHalf(directory.url, node.id);
    const push = await peer.pushes.take();
    assertEquals(push.held.half.pairId, held.half.pairId);
    const session = await peer.connect(held, { suite });
    const { shown } = session.keys;
    assertEquals(Object.keys(shown).sort(), [
      ...(suite === HYBRID ? ["kem_ciphertext"] : []),
      "life_ms",
      "next",
      "record",
      "token",
    ]);
    const next = shown.next as { issued_at: number; method: string };
    assertEquals(Object.keys(next).sort(), ["issued_at", "method"]);
    const issued = new Date(next.issued_at);
    const hourly = (issued.getUTCHours() + issued.getUTCDate()) % 4;
    assertEquals(next.method, ["alpha", "beta", "gamma", "delta"][hourly]);
    await session.send(session.sendText("m-1", "bonjour, é ✓"));
    const ack = await session.acknowledged("m-1");
    assertEquals(ack.header, { type: "core.ack", ids: ["m-1"] });
    assertEquals(ack.body.length, 0);
    const { id, peer: from, text } = await node.message();
    assertEquals({ id, from, text }, { id: "m-1", from: peer.id, text: "bonjour, é ✓" });
    const sent = await node.send(peer.id, "et toi ?", 5_000);
    assertEquals(sent.state, "delivered");
    const { header, body } = await session.next("messaging.text");
    assertEquals(textOf(body), "et toi ?");
    assertEquals(header.id, sent.id);
    assertMatch(sent.id, /^[A-Za-z0-9_-]{1,64}$/);
    assertEquals(typeof header.sent_at, "number");
    const view = (await node.status()).sessions.find(({ state }) => state === "confirmed");
    assertEquals(view?.session_id, session.idHex);
    assertEquals(view?.post_quantum, suite === HYBRID);
  });

  Deno.test(`the node, introduced by the directory, calls the peer (${suite})`, async () => {
    await using scene = await openScene({ pq: suite === HYBRID ? "require" : "off" });
    const { node, peer } = scene;
    const sent = await node.send(peer.id, "salut", 5_000);
    assertEquals(sent.state, "delivered");
    const { session, text } = await peer.called.take();
    assert(session !== null);
    assertEquals(JSON.parse(text).suite, suite);
    assertEquals(Object.keys(JSON.parse(text)).sort(), ["noise", "pair_id", "suite", "v"]);
    assertEquals(Object.keys(session.keys.shown).sort(), [
      ...(suite === HYBRID ? ["kem_key"] : []),
      "record",
      "token",
    ]);
    const { at, ...hello } = (await session.next("core.hello")).header;
    assertEquals(Number(at) % 10_000, 0, "a clock to ten seconds");
    assertEquals(hello, {
      type: "core.hello",
      messages: 64,
      handshakes: true,
    });
    const { header, body, step } = await session.next("messaging.text");
    assertEquals([Object.keys(header).sort(), step], [["id", "n", "run", "sent_at", "type"], 0]);
    assertEquals(textOf(body), "salut");
    await session.send(session.sendText("m-2", "reçu"));
    await session.acknowledged("m-2");
    assertEquals((await node.message()).text, "reçu");
  });
}

Deno.test("the node's identity answer is what a directory must be shown", async () => {
  await using scene = await openScene();
  const { node } = scene;
  const nonce = base64Url(new Uint8Array(16).fill(7));
  const aud = scene.directory.id;
  const response = await fetch(`${node.url}/identity?nonce=${nonce}&directory=${aud}`);
  assertEquals(response.status, 200);
  const body = await response.json();
  const identity = open("identity", body.identity);
  const record = open("record", body.record);
  const { iat, ...rest } = identity;
  assertEquals(rest, {
    v: 3,
    iss: node.id,
    aud,
    nonce,
    api_url: node.url,
    noise_key: record.noise_key,
  });
  assert(Math.abs(Number(iat) * 1000 - Date.now()) < 120_000);
  assertEquals(unbase64Url(record.noise_key).length, 32);
  for (const query of ["nonce=short&directory=" + aud, `nonce=${nonce}&directory=x`, ""]) {
    const refused = await fetch(`${node.url}/identity?${query}`);
    assertEquals(refused.status, 400);
    await refused.body?.cancel();
  }
});
