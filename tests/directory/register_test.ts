import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { signText } from "../protocol/signer.ts";
import { answerJson } from "./fake_nodes.ts";
import { DAY_MS, LEASE_MS, START_MS, TestDirectory } from "./test_directory.ts";
import { settle } from "../world/settle.ts";

Deno.test("register answers 201 with the lease and the directory's record", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const { status, body } = await test.register(node.record());
  assertEquals(status, 201);
  assertEquals(body.node_id, node.id);
  assertEquals(body.status, "active");
  assertEquals(body.lease_ms, LEASE_MS);
  assertEquals(body.reannounce_after_ms, LEASE_MS / 2);
  assertEquals([body.look_after_ms, body.retry_within_ms], [60_000, 1_000]);
  assertEquals(body.directory_id, test.directory.id);
  const own = JSON.parse(
    atob(body.directory.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")),
  );
  assertEquals(own.noise_key, body.directory_noise_key);
  assertEquals([own.api_url, own.suites, own.services], ["https://directory.example", [], [
    "directory",
  ]]);
});

Deno.test("register refuses what is not JSON, not of the form, too large or grown too far", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const send = async (body: BodyInit) => {
    const answer = await test.ask("POST", "/api/v3/nodes/register", { body });
    return [answer.status, answer.body.code];
  };
  assertEquals(await send("{"), [400, "bad_request"]);
  assertEquals(await send("[]"), [400, "bad_request"]);
  assertEquals(await send("null"), [400, "bad_request"]);
  assertEquals(await send(""), [400, "bad_request"]);
  assertEquals(await send(new Uint8Array([0x22, 0xff, 0x22])), [400, "bad_request"]);
  assertEquals(await send(`${"[".repeat(8000)}${"]".repeat(8000)}`), [400, "bad_request"]);
  assertEquals(await send('{"record":7}'), [400, "bad_request"]);
  assertEquals(await send('{"record":"a.b"}'), [400, "bad_request"]);
  assertEquals(await send(`{"record":"${"a".repeat(2049)}"}`), [413, "too_large"]);
  assertEquals(await send(" ".repeat(16 * 1024 + 1)), [413, "too_large"]);
  const grown = JSON.stringify({ record: node.record(), must: ["fly"] });
  assertEquals(await send(grown), [400, "unsupported"]);
  assertEquals(await send(JSON.stringify({ record: node.record({ v: 4 }) })), [400, "unsupported"]);
  assertEquals(await send(JSON.stringify({ record: node.record({ must: ["fly"] }) })), [
    400,
    "unsupported",
  ]);
  assertEquals(test.network.requests, []);
});

Deno.test("register checks shape, signature, times, URL, seq, succession and callback in this order", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const other = test.node(2);
  assertEquals((await test.register(node.record())).status, 201);
  const succession = signText(node.identity, { v: 3, iss: node.id, old: other.id, iat: 1 }, {
    typ: "openred-succession+jwt",
  });
  const bad = { seq: START_MS - 1, api_url: "http://127.0.0.1", exp: START_MS / 1000 - 1 };
  const forge = (record: string) =>
    record.slice(0, -4) + (record.endsWith("AAAA") ? "BBBA" : "AAAA");
  const code = async (record: string, more: object = {}) => {
    return (await test.register(record, more)).body.code;
  };
  // Each has the fault named, and every later one too.
  assertEquals(await code(forge(node.record({ ...bad, exp: 0 })), { succession }), "bad_request");
  assertEquals(await code(forge(node.record(bad)), { succession }), "bad_request");
  const times = { iat: START_MS / 1000 - 90_000, seq: START_MS - 90_000_000 };
  const old = { ...times, exp: START_MS / 1000 - 3_700, api_url: "http://127.0.0.1" };
  assertEquals(await code(forge(node.record(old)), { succession }), "bad_signature");
  assertEquals(await code(node.record(old), { succession }), "record_stale");
  const private_ = { seq: START_MS - 1, api_url: "http://127.0.0.1" };
  assertEquals(await code(node.record(private_), { succession }), "url_refused");
  assertEquals(await code(node.record({ seq: START_MS - 1 }), { succession }), "seq_behind");
  node.identityChanges = { nonce: "x".repeat(22) };
  const moved = { noise_key: encodeBase64Url(new Uint8Array(32).fill(5)) };
  test.clock.advance(1_000);
  assertEquals(await code(node.record(moved), { succession }), "succession_refused");
  assertEquals(await code(node.record(moved)), "callback_failed");
});

Deno.test("register refuses a record signed ahead of its clock, gone ones too", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const seq = START_MS + 121_000;
  assertEquals((await test.register(node.record({ seq }))).body.code, "clock_ahead");
  assertEquals((await test.register(node.gone({ seq }))).body.code, "clock_ahead");
  assertEquals((await test.register(node.record({ seq: START_MS + 120_000 }))).status, 201);
});

Deno.test("register answers the very same text again without a callback and leaves the lease", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const record = node.record();
  const first = await test.register(record);
  test.clock.advance(LEASE_MS / 2);
  const calls = test.network.requests.length;
  const again = await test.register(record);
  assertEquals([again.status, again.body], [201, first.body]);
  assertEquals(test.network.requests.length, calls);
  const { body } = await test.get(`/api/v3/nodes/${node.id}`);
  assertEquals(body.last_seen, START_MS);
  test.clock.advance(LEASE_MS / 2 + 1);
  assertEquals((await test.register(record)).body.status, "stale");
});

Deno.test("register answers a lower seq, and an equal one with other text, with the stored record", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const stored = node.record({ alias: "one" });
  await test.register(stored);
  const calls = test.network.requests.length;
  const noise_key = encodeBase64Url(new Uint8Array(32).fill(5));
  for (const changes of [{ seq: START_MS - 1 }, { alias: "two" }, { noise_key }]) {
    const { status, body } = await test.register(node.record(changes));
    assertEquals([status, body.code, body.record], [409, "seq_behind", stored]);
  }
  assertEquals(test.network.requests.length, calls);
});

Deno.test("register calls back for a first, changed or day-old record only", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const calls = async (changes: Record<string, unknown> = {}) => {
    const before = test.network.requests.length;
    assertEquals((await test.registerNew(node, changes)).status, 201);
    return test.network.requests.length - before;
  };
  assertEquals(await calls(), 1);
  assertEquals(await calls(), 0);
  assertEquals(await calls({ alias: "changed" }), 0);
  test.clock.advance(DAY_MS);
  assertEquals(await calls(), 1);
  const noiseKey = encodeBase64Url(new Uint8Array(32).fill(6));
  node.identityChanges = { noise_key: noiseKey };
  assertEquals(await calls({ noise_key: noiseKey }), 1);
  assertEquals(await calls({ noise_key: noiseKey }), 0);
});

Deno.test("register compares the seq again when it stores", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const slow = Promise.withResolvers<void>();
  const { apiUrl } = node;
  test.network.serve(apiUrl, async (request) => {
    await slow.promise;
    const { searchParams } = new URL(request.url);
    return answerJson(200, { record: node.record(), identity: node.statement(searchParams) });
  });
  const older = test.register(node.record({ seq: START_MS - 5 }));
  const newer = node.record({ seq: START_MS - 4 });
  const won = test.register(newer);
  await settle();
  slow.resolve();
  const outcomes = await Promise.all([older, won]);
  assertEquals(outcomes[1]!.status, 201);
  // Whoever stores first, the newer one stays.
  assert(outcomes[0]!.status === 201 || outcomes[0]!.body.record === newer);
  assertEquals((await test.get(`/api/v3/nodes/${node.id}`)).body.record, newer);
  test.network.serve(apiUrl, async (request) => {
    await test.store.put({
      entry: { ...(await test.store.find(node.id)).entry!, text: "x.y.z", seq: START_MS + 9_000 },
      next: null,
      succession: null,
    });
    const { searchParams } = new URL(request.url);
    return answerJson(200, { record: node.record(), identity: node.statement(searchParams) });
  });
  test.clock.advance(DAY_MS);
  test.clock.step(-DAY_MS + 2_000);
  node.identityChanges = { noise_key: encodeBase64Url(new Uint8Array(32).fill(6)) };
  const lost = await test.register(node.record(node.identityChanges));
  assertEquals([lost.status, lost.body.code, lost.body.record], [409, "seq_behind", "x.y.z"]);
});

Deno.test("register takes gone without a callback, and a higher seq brings the node back", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const first = node.record();
  await test.register(first);
  test.clock.advance(1_000);
  const calls = test.network.requests.length;
  const gone = node.gone();
  assertEquals((await test.register(gone)).body.status, "gone");
  assertEquals(test.network.requests.length, calls);
  const { status, body } = await test.get(`/api/v3/nodes/${node.id}`);
  assertEquals([status, body.status, body.api_url, body.record], [200, "gone", "", gone]);
  assertEquals((await test.register(first)).body.code, "seq_behind");
  assertEquals((await test.registerNew(node)).body.status, "active");
  assertEquals(test.network.requests.length, calls + 1);
});

Deno.test("register takes a gone record at any age", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  test.clock.advance(1_000);
  const gone = node.gone();
  test.clock.advance(5 * DAY_MS);
  assertEquals((await test.register(gone)).body.status, "gone");
  assertEquals((await test.get(`/api/v3/nodes/${node.id}`)).body.record, gone);
});

Deno.test("register answers a gone record of an id that was never here, and stores nothing", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const { status, body } = await test.register(node.gone({ next: "A".repeat(43) }));
  assertEquals([status, body.status, body.node_id], [201, "gone", node.id]);
  assertEquals((await test.get(`/api/v3/nodes/${node.id}`)).body.code, "node_unknown");
  assertEquals(await test.store.find(node.id), { entry: null, succession: null });
  assertEquals(await test.store.pinnedNext(node.id), null);
  assertEquals((await test.registerNew(node)).body.status, "active");
});

Deno.test("register refuses URLs that the policy refuses, literal or resolved", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  test.addresses.set("inside.example", ["93.184.216.34", "10.0.0.1"]);
  const refused = [
    "http://127.0.0.1:1",
    "http://10.1.2.3",
    "https://192.168.1.1",
    "https://172.16.0.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://224.0.0.1",
    "https://[::1]",
    "https://[::ffff:a00:1]",
    "https://[fe80::1]",
    "https://[fd00::1]",
    "http://name.example",
    "https://user:secret@name.example",
    "https://name.example/",
    "https://name.example?x",
    "https://name.example#x",
    "https://NAME.example",
    "ftp://name.example",
    "https://inside.example",
    "x",
  ];
  for (const api_url of refused) {
    assertEquals((await test.register(node.record({ api_url }))).body.code, "url_refused", api_url);
  }
  assertEquals(test.network.requests, []);
});

Deno.test("register allows private URLs where the operator does", async () => {
  await using test = await TestDirectory.start({ config: { allowPrivate: true } });
  const node = test.node(1);
  const api_url = "http://127.0.0.1:7601";
  node.identityChanges = { api_url };
  test.network.serve(api_url, (request) => {
    const { searchParams } = new URL(request.url);
    return answerJson(200, { record: node.record(), identity: node.statement(searchParams) });
  });
  assertEquals((await test.register(node.record({ api_url }))).status, 201);
});
