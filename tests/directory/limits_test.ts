import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import { calledHost, CalledHosts } from "../../directory/called_hosts.ts";
import { localLimits } from "../../directory/limiters.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { RateLimit } from "../../ports/rate_limits.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { testIdentity } from "../protocol/signer.ts";
import { answerJson, type FakeNode } from "./fake_nodes.ts";
import { DAY_MS, MINUTE_MS, START_MS, TestDirectory } from "./test_directory.ts";
import { settle } from "../world/settle.ts";

function isLimited(answer: { status: number; headers: Headers; body: { code: string } }): boolean {
  if (answer.status !== 429) return false;
  assertEquals(answer.body.code, "rate_limited");
  assert(Number(answer.headers.get("retry-after")) > 0);
  return true;
}

Deno.test("One address may ask so often in a minute, others are not affected", async () => {
  await using test = await TestDirectory.start({ limits: { addressPerMinute: 3 } });
  const ask = (address: string) => test.ask("GET", "/api/v3/health", { address });
  for (let count = 0; count < 3; count++) assertEquals((await ask("192.0.2.1")).status, 200);
  const refused = await ask("192.0.2.1");
  assert(isLimited(refused));
  assertEquals(refused.headers.get("retry-after"), "60");
  assertEquals((await ask("192.0.2.2")).status, 200);
  test.clock.advance(MINUTE_MS);
  assertEquals((await ask("192.0.2.1")).status, 200);
});

Deno.test("Behind a trusted proxy each address has a limit of its own, behind another one none", async () => {
  const trustedProxies = TrustedProxies.parse("127.0.0.1")!;
  const limits = { addressPerMinute: 2 };
  await using test = await TestDirectory.start({ limits, config: { trustedProxies } });
  const ask = async (client: string, address: string) => {
    const headers = { "X-Forwarded-For": `203.0.113.5, ${client}` };
    return (await test.ask("GET", "/api/v3/health", { address, headers })).status;
  };
  for (const expected of [200, 200, 429]) {
    assertEquals(await ask("198.51.100.7", "127.0.0.1"), expected);
  }
  assertEquals(await ask("198.51.100.8", "127.0.0.1"), 200);
  for (const expected of [200, 200, 429]) {
    assertEquals(await ask(`198.51.100.${expected}`, "192.0.2.9"), expected);
  }
});

Deno.test("One identity may announce so often in a minute, and nobody else can use that up", async () => {
  await using test = await TestDirectory.start({ limits: { identityPerMinute: 2 } });
  const node = test.node(1);
  const record = node.record();
  assertEquals((await test.register(record)).status, 201);
  for (let count = 0; count < 5; count++) assertEquals((await test.register(record)).status, 201);
  const old = node.record({ seq: START_MS - 10 });
  for (let count = 0; count < 5; count++) assertEquals((await test.register(old)).status, 409);
  assertEquals((await test.registerNew(node)).status, 201);
  assert(isLimited(await test.registerNew(node)));
  assertEquals((await test.registerNew(test.node(2))).status, 201);
  assert(isLimited(await test.connect(node, { target: "x" })));
});

Deno.test("One host is called so often in a minute for what records claim, whatever ids they are of", async () => {
  await using test = await TestDirectory.start({ limits: { hostPerMinute: 3 } });
  const api_url = "https://relay.example/r";
  test.network.serve(api_url, () => answerJson(404, {}));
  const codes = [];
  for (const seed of [1, 2, 3, 4]) {
    const record = test.node(seed).record({ api_url: `${api_url}/${seed}` });
    codes.push((await test.register(record, {}, `192.0.2.${seed}`)).body.code);
  }
  assertEquals(codes, [...Array(3).fill("callback_failed"), "rate_limited"]);
  assertEquals((await test.register(test.node(5).record())).status, 201);
});

Deno.test("One address uses up a third of what a host is called for claims and wishes", async () => {
  await using test = await TestDirectory.start({ limits: { hostPerMinute: 3 } });
  const victim = test.node(1);
  const claim = (seed: number, address: string) =>
    test.register(test.node(seed).record({ api_url: victim.apiUrl }), {}, address);
  assertEquals((await claim(2, "192.0.2.1")).body.code, "callback_failed");
  assert(isLimited(await claim(3, "192.0.2.1")));
  assertEquals((await test.register(victim.record(), {}, "192.0.2.2")).status, 201);
  const strangers = [4, 5].map((seed) => test.node(seed));
  const want = (node: FakeNode, address: string) =>
    test.connect(node, { target: victim.id, record: node.record() }, { address });
  assertEquals((await want(strangers[0]!, "192.0.2.1")).status, 200);
  assert(isLimited(await want(strangers[1]!, "192.0.2.1")));
  assertEquals((await want(strangers[1]!, "192.0.2.2")).status, 200);
});

Deno.test("Strangers cannot use up what a node's own wishes and friends are allowed on its host", async () => {
  await using test = await TestDirectory.start({ limits: { hostPerMinute: 3 } });
  const [victim, friend] = [test.node(1), test.node(2)];
  await test.register(victim.record(), {}, "192.0.2.100");
  await test.register(friend.record(), {}, "192.0.2.100");
  const codes = [];
  for (const seed of [3, 4, 5, 6]) {
    const record = test.node(seed).record({ api_url: victim.apiUrl });
    codes.push((await test.register(record, {}, `192.0.2.${seed}`)).body.code);
  }
  assertEquals(codes.slice(2), ["rate_limited", "rate_limited"]);
  test.clock.advance(1_000);
  const noise_key = encodeBase64Url(new Uint8Array(32).fill(6));
  victim.identityChanges = { noise_key };
  assertEquals((await test.register(victim.record({ noise_key }))).status, 201);
  assertEquals((await test.connect(friend, { target: victim.id })).status, 200);
  const asked = await test.connect(victim, { target: friend.id });
  assertEquals([asked.status, asked.body.delivered], [200, true]);
});

Deno.test("All nodes of one host together are called ten times as often as one", async () => {
  const hosts = new CalledHosts(localLimits(new FakeClock(0)), {
    limits: { hostInFlight: 0, hostPerMinute: 2, relayPerMinute: 0 },
    relays: [],
  });
  const call = (at: number) => {
    const wanted = { apiUrl: "https://relay.example/r", why: "own", source: "x" } as const;
    return hosts.call({ ...wanted, id: `z${at}` as NodeId }, () => Promise.resolve());
  };
  for (let at = 0; at < 20; at++) await call(at);
  assertEquals((await assertRejects(() => call(20), OpenRedError)).code, "rate_limited");
});

Deno.test("One host is called so many times at once, and its failures free the place", async () => {
  await using test = await TestDirectory.start({ limits: { hostInFlight: 2 } });
  const gate = Promise.withResolvers<void>();
  const api_url = "https://relay.example";
  test.network.serve(api_url, async () => {
    await gate.promise;
    return answerJson(500, {});
  });
  const register = (seed: number) => test.register(test.node(seed).record({ api_url }));
  const waiting = [register(1), register(2)];
  await settle();
  assert(isLimited(await register(3)));
  gate.resolve();
  for (const answer of await Promise.all(waiting)) {
    assertEquals(answer.body.code, "callback_failed");
  }
  assertEquals((await register(4)).body.code, "callback_failed");
});

Deno.test("One host holds so many ids; those that are there stay", async () => {
  await using test = await TestDirectory.start({ limits: { idsPerHost: 2 } });
  const base = "https://relay.example/r";
  const nodes = [1, 2, 3].map((seed) => {
    const node = test.node(seed);
    const api_url = `${base}/${seed}`;
    node.identityChanges = { api_url };
    test.network.serve(api_url, (request) => {
      const { searchParams } = new URL(request.url);
      return answerJson(200, { record: node.record(), identity: node.statement(searchParams) });
    });
    return { node, api_url };
  });
  const register = async (at: number) => {
    const { node, api_url } = nodes[at]!;
    return await test.registerNew(node, { api_url });
  };
  assertEquals((await register(0)).status, 201);
  assertEquals((await register(1)).status, 201);
  assert(isLimited(await register(2)));
  assertEquals((await register(0)).status, 201);
  test.clock.advance(1_000);
  await test.register(nodes[0]!.node.gone());
  assert(isLimited(await register(2)), "an id that is gone keeps its place until it is forgotten");
});

/** A node that says it is at a URL, and answers there. */
function nodeAt(test: TestDirectory, seed: number, api_url: string) {
  const node = test.node(seed);
  node.identityChanges = { api_url };
  test.network.serve(api_url, (request) => {
    const { searchParams } = new URL(request.url);
    return answerJson(200, { record: node.record(), identity: node.statement(searchParams) });
  });
  return { register: () => test.registerNew(node, { api_url }), id: node.id };
}

Deno.test("nodes of a relay on the list have limits and places of their own", async () => {
  const relay = "https://relay.example";
  await using test = await TestDirectory.start({
    limits: { hostPerMinute: 1, idsPerHost: 1, idsPerRelay: 3 },
    config: { relays: [relay] },
  });
  const behind = (seed: number) => nodeAt(test, seed, `${relay}/r/${test.node(seed).id}`);
  for (const seed of [1, 2, 3]) assertEquals((await behind(seed).register()).status, 201);
  assert(isLimited(await behind(4).register()), "a relay has so many places");
});

Deno.test("all nodes of a relay together have so many calls a minute", async () => {
  const relay = "https://relay.example";
  await using test = await TestDirectory.start({
    limits: { relayPerMinute: 2 },
    config: { relays: [relay] },
  });
  const behind = (seed: number) => nodeAt(test, seed, `${relay}/r/${test.node(seed).id}`);
  for (const seed of [1, 2]) assertEquals((await behind(seed).register()).status, 201);
  assert(isLimited(await behind(3).register()));
});

Deno.test("what strangers claim of a relay takes no call from nodes that are behind it", async () => {
  const relay = "https://relay.example";
  const hosts = new CalledHosts(localLimits(new FakeClock(0)), {
    limits: { hostInFlight: 0, hostPerMinute: 2, relayPerMinute: 3 },
    relays: [relay],
  });
  const call = (why: "claimed" | "own" | "wanted", at: number) => {
    const id = testIdentity(at).id;
    const wanted = { apiUrl: `${relay}/r/${id}`, why, id, source: `192.0.2.${at}` };
    return hosts.call(wanted, () => Promise.resolve());
  };
  for (const at of [1, 2, 3]) await call("claimed", at);
  assertEquals((await assertRejects(() => call("claimed", 4), OpenRedError)).code, "rate_limited");
  for (const at of [5, 6]) await call("own", at);
  await call("wanted", 7);
  assertEquals((await assertRejects(() => call("own", 8), OpenRedError)).code, "rate_limited");
});

Deno.test("a record makes no host a relay, and another's place there is no place of one's own", async () => {
  const relay = "https://relay.example";
  for (const relays of [[], [relay]]) {
    await using test = await TestDirectory.start({
      limits: { hostPerMinute: 1 },
      config: { relays },
    });
    const other = test.node(9).id;
    const urls = relays.length === 0
      ? [1, 2].map((seed) => `${relay}/r/${test.node(seed).id}`)
      : [`${relay}/r/${other}`, `${relay}/r/${other}`];
    assertEquals((await nodeAt(test, 1, urls[0]!).register()).status, 201);
    assert(isLimited(await nodeAt(test, 2, urls[1]!).register()));
  }
});

Deno.test("calledHost() counts a loopback address by its port, other hosts by name", () => {
  assertEquals(calledHost("http://127.0.0.1:7601/x"), "127.0.0.1:7601");
  assertEquals(calledHost("http://10.0.0.1:7601/x"), "10.0.0.1");
  assertEquals(calledHost("https://a.example:8443/r/1"), "a.example");
  assertEquals(calledHost(""), "");
});

Deno.test("RateLimit remembers no more than its bound", () => {
  const clock = new FakeClock(0);
  const limit = new RateLimit(clock, { perMinute: 1, what: "in a test" });
  for (let source = 0; source < 60_000; source++) limit.check(String(source));
  limit.check("0");
  let refused = 0;
  try {
    limit.check("59999");
  } catch {
    refused += 1;
  }
  assertEquals(refused, 1);
});

Deno.test("More requests at once than the cap are refused with 503", async () => {
  await using test = await TestDirectory.start({ limits: { concurrent: 1 } });
  const node = test.node(1);
  const gate = Promise.withResolvers<void>();
  test.network.serve(node.apiUrl, async () => {
    await gate.promise;
    return answerJson(500, {});
  });
  const waiting = test.register(node.record());
  const { status, body, headers } = await test.get("/api/v3/health");
  assertEquals([status, body.code, headers.get("retry-after")], [503, "overloaded", "1"]);
  gate.resolve();
  await waiting;
  assertEquals((await test.get("/api/v3/health")).status, 200);
});

Deno.test("One address brings so many new ids a day, and those that are there stay", async () => {
  await using test = await TestDirectory.start({ limits: { newIdsPerAddress: 2 } });
  const address = "2001:db8:1:2:3::4";
  const register = (seed: number, from = address) =>
    test.register(test.node(seed).record({ seq: test.clock.nowMs() + seed }), {}, from);
  test.network.serve("https://nowhere.example", () => answerJson(500, {}));
  const failing = test.node(9).record({ api_url: "https://nowhere.example" });
  for (let count = 0; count < 5; count++) {
    assertEquals((await test.register(failing, {}, address)).status, 502);
  }
  assertEquals((await register(1)).status, 201, "what is not there has used up nothing");
  assertEquals((await register(2, "2001:db8:1:2::9")).status, 201);
  assert(isLimited(await register(3)));
  test.clock.advance(1_000);
  assertEquals((await register(1)).status, 201);
  assertEquals((await register(4, "2001:db8:1:3::4")).status, 201);
  test.clock.advance(DAY_MS);
  assertEquals((await register(3)).status, 201);
});

Deno.test("A directory that is full refuses strangers, says so, and serves those it has", async () => {
  await using test = await TestDirectory.start({ limits: { ids: 2 } });
  const [one, two, stranger] = [test.node(1), test.node(2), test.node(3)];
  for (const node of [one, two]) assertEquals((await test.registerNew(node)).status, 201);
  const refused = await test.registerNew(stranger);
  assertEquals([refused.status, refused.body.code], [503, "overloaded"]);
  assertEquals(refused.headers.get("retry-after"), "3600");
  assertEquals(test.network.requests.filter(({ url }) => url.includes("node3")), []);
  assertEquals((await test.registerNew(one)).status, 201);
  assertEquals((await test.get(`/api/v3/nodes/${two.id}`)).status, 200);
  assertEquals((await test.connect(one, { target: two.id })).status, 200);
  const metrics = (await test.get("/metrics")).body;
  assertMatch(metrics, /openred_ids_stored 2\n/);
  assertMatch(metrics, /openred_registrations_total\{outcome="full"\} 1/);
  test.clock.advance(MINUTE_MS);
  await settle();
  assert(test.logged.includes("ids_nearly_full"));
});
