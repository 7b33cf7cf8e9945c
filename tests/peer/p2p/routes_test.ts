import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { openIdentityStatement } from "../../../protocol/statements.ts";
import { TrustedProxies } from "../../../protocol/trusted_proxies.ts";
import { MINUTE_MS } from "../parts.ts";
import { NODE_URL, TestNode } from "../test_node.ts";
import { settle } from "../../world/settle.ts";

const NONCE = encodeBase64Url(new Uint8Array(16).fill(7));
const POSTS = ["/tokens/receive", "/p2p/handshake", "/p2p/message"];

async function codeOf(answer: ReturnType<TestNode["ask"]>): Promise<[number, string]> {
  const { status, body } = await answer;
  return [status, body?.code];
}

Deno.test("GET /identity signs what it was asked, of the newest record", async () => {
  await using test = await TestNode.start();
  const query = `nonce=${NONCE}&directory=${test.directory.keys.id}`;
  const { status, body } = await test.ask("GET", `/identity?${query}`);
  const record = await test.record();
  assertEquals([status, body.record], [200, record.text]);
  const statement = await openIdentityStatement(test.crypto, body.identity);
  assertEquals([statement.iss, statement.aud, statement.nonce], [
    test.node.id,
    test.directory.keys.id,
    NONCE,
  ]);
  assertEquals([statement.api_url, statement.noise_key], [NODE_URL, record.payload.noise_key]);
  assertEquals(statement.iat, test.clock.nowMs() / 1000);
});

Deno.test("GET /identity signs only for a nonce and a directory of those forms, and not too often", async () => {
  await using test = await TestNode.start();
  const { id } = test.directory.keys;
  const queries = [
    "",
    `?nonce=${NONCE}`,
    `?directory=${id}`,
    `?nonce=${NONCE}A&directory=${id}`,
    `?nonce=${NONCE.slice(0, -1)}B&directory=${id}`,
    `?nonce=${encodeURIComponent("openred/v3/x: forged!!")}&directory=${id}`,
    `?nonce=${NONCE}&directory=${id}x`,
  ];
  for (const query of queries) {
    assertEquals(await codeOf(test.ask("GET", `/identity${query}`)), [400, "bad_request"]);
  }
  const ask = (address: string) =>
    test.ask("GET", `/identity?nonce=${NONCE}&directory=${id}`, { address });
  for (let index = 0; index < 120; index++) await ask("192.0.2.7");
  const { status, headers, body } = await ask("192.0.2.7");
  assertEquals([status, body.code, headers.get("retry-after")], [429, "rate_limited", "60"]);
  assertEquals((await ask("192.0.2.8")).status, 200);
});

Deno.test("A path answers 405 to another method, and without its prefix as with it", async () => {
  await using test = await TestNode.start();
  for (const path of POSTS) {
    assertEquals(await codeOf(test.ask("GET", path)), [405, "method_not_allowed"]);
  }
  for (const path of ["/identity", "/p2p/channel"]) {
    assertEquals(await codeOf(test.ask("POST", path)), [405, "method_not_allowed"]);
  }
  assertEquals(await codeOf(test.ask("GET", "/nothing")), [404, "not_found"]);
  const bare = new Request("https://node.example/identity");
  const beside = new Request("https://node.example/other/identity");
  const statusOf = async (request: Request) =>
    (await test.node.handle(request, { address: "192.0.2.1" })).status;
  assertEquals([await statusOf(bare), await statusOf(beside)], [400, 404]);
});

Deno.test("Every POST answers bad bodies with 400 or 413 and a code", async () => {
  await using test = await TestNode.start();
  const bodies: [BodyInit, number][] = [
    ["", 400],
    ["{", 400],
    ["[]", 400],
    ["null", 400],
    ["{}", 400],
    [new Uint8Array([0x22, 0xff, 0x22]), 400],
    ['{"v":3,"must":["new"]}', 400],
    ["[".repeat(16_000), 400],
    [" ".repeat(1.5 * 2 ** 20 + 1), 413],
  ];
  for (const path of POSTS) {
    for (const [body, expected] of bodies) {
      const { status, headers, body: problem } = await test.ask("POST", path, { body });
      assertEquals(status, expected, `${path} ${String(body).slice(0, 20)}`);
      assertEquals(headers.get("content-type"), "application/problem+json");
      assertEquals(problem.status, status);
    }
  }
  const version = { v: 4, suite: "x", pair_id: encodeBase64Url(new Uint8Array(16)), noise: "AAAA" };
  assertEquals(await codeOf(test.post("/p2p/handshake", version)), [400, "unsupported"]);
  const large = "A".repeat(16 * 1024);
  assertEquals((await test.post("/p2p/handshake", { ...version, noise: large })).status, 413);
});

/** A body of which no more is there than what it begins with; the end never comes. */
function endless(begin: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(encodeUtf8(begin)) });
}

Deno.test("POST /p2p/message refuses a frame of an unknown session before its body has come", async () => {
  await using test = await TestNode.start();
  const id = encodeBase64Url(new Uint8Array(16).fill(9));
  for (const begin of [`{"session_id":"${id}",`, ` { "session_id" : "${id}",`]) {
    const body = endless(begin.padEnd(64, " "));
    assertEquals(await codeOf(test.ask("POST", "/p2p/message", { body })), [
      404,
      "session_unknown",
    ]);
  }
  const late = endless(`{"data":"${"A".repeat(17_000)}`);
  assertEquals((await test.ask("POST", "/p2p/message", { body: late })).status, 413);
});

Deno.test("POST /p2p/handshake limits what one address may try, and burns no pair for it", async () => {
  await using test = await TestNode.start({ handshakesPerMinute: 2 });
  const half = await test.introduce();
  const garbage = {
    v: 3,
    suite: "ik-x25519",
    pair_id: encodeBase64Url(half.info.pairId),
    noise: encodeBase64Url(new Uint8Array(200)),
  };
  const codes = [];
  for (let index = 0; index < 3; index++) {
    codes.push(await codeOf(test.post("/p2p/handshake", garbage)));
  }
  assertEquals(codes, [[403, "handshake_rejected"], [403, "handshake_rejected"], [
    429,
    "rate_limited",
  ]]);
  assertEquals((await test.post("/p2p/handshake", garbage, "192.0.2.9")).status, 403);
  await test.clock.advance(MINUTE_MS);
  await test.call(half);
});

Deno.test("POST /p2p/handshake counts made-up pairs, strangers and decided peers of one address apart", async () => {
  await using test = await TestNode.start({ handshakesPerMinute: 2 });
  const use = async (half: { info: { pairId: Uint8Array } } | null) => {
    const pair_id = encodeBase64Url(half?.info.pairId ?? new Uint8Array(16));
    const noise = encodeBase64Url(new Uint8Array(200));
    const answered = await test.post("/p2p/handshake", {
      v: 3,
      suite: "ik-x25519",
      pair_id,
      noise,
    });
    return answered.status;
  };
  const [first, second] = [await test.introduce(), await test.introduce()];
  assertEquals([await use(null), await use(null), await use(null)], [403, 403, 429]);
  assertEquals([await use(first), await use(first), await use(first)], [403, 403, 429]);
  await test.decide();
  await test.call(second);
  assertEquals([await use(null), await use(first), await use(first)], [429, 403, 429]);
});

Deno.test("Bodies that do not come take nobody's place among the requests at once", async () => {
  await using test = await TestNode.start();
  const session = await test.connect();
  const slow = Array.from({ length: 600 }, (_, index) => {
    const id = encodeBase64Url(session.sessionId);
    const body = endless(`{"session_id":"${id}",`.padEnd(64, " "));
    return test.ask("POST", "/p2p/message", { body, address: `192.0.2.${index % 2}` });
  });
  await settle();
  const query = `nonce=${NONCE}&directory=${test.directory.keys.id}`;
  assertEquals((await test.ask("GET", `/identity?${query}`)).status, 200);
  await test.clock.advance(10_000);
  assertEquals(new Set((await Promise.all(slow)).map(({ status }) => status)), new Set([400]));
});

Deno.test("Behind a trusted proxy each address has a limit of its own", async () => {
  const trustedProxies = TrustedProxies.parse("192.0.2.1")!;
  await using test = await TestNode.start({ handshakesPerMinute: 1, trustedProxies });
  const pair_id = encodeBase64Url(new Uint8Array(16));
  const body = JSON.stringify({ v: 3, suite: "ik-x25519", pair_id, noise: "AAAA" });
  const ask = async (client: string, address: string) => {
    const headers = { "content-type": "application/json", forwarded: `for=${client}` };
    const url = `${NODE_URL}/p2p/handshake`;
    const request = new Request(url, { method: "POST", body, headers });
    return (await test.node.handle(request, { address })).status;
  };
  assertEquals(await ask("198.51.100.7", "192.0.2.1"), 403);
  assertEquals(await ask("198.51.100.7", "192.0.2.1"), 429);
  assertEquals(await ask("198.51.100.8", "192.0.2.1"), 403);
  assertEquals(await ask("198.51.100.9", "192.0.2.2"), 403);
  assertEquals(await ask("198.51.100.10", "192.0.2.2"), 429);
});

Deno.test("POST /p2p/handshake says the same whatever the reason", async () => {
  await using test = await TestNode.start();
  const half = await test.introduce();
  const request = {
    v: 3,
    suite: "ik-x25519",
    pair_id: encodeBase64Url(half.info.pairId),
    noise: encodeBase64Url(new Uint8Array(200)),
  };
  const answers = [
    await test.post("/p2p/handshake", request),
    await test.post("/p2p/handshake", { ...request, suite: "ik-other" }),
    await test.post("/p2p/handshake", { ...request, pair_id: NONCE }),
  ];
  const [first] = answers;
  for (const { status, body } of answers) assertEquals([status, body], [403, first!.body]);
});

Deno.test("GET /p2p/channel upgrades, but never for a web page", async () => {
  await using test = await TestNode.start();
  const upgrade = { upgrade: "websocket" };
  const ask = (headers: Record<string, string>) => test.ask("GET", "/p2p/channel", { headers });
  assertEquals(await codeOf(ask({})), [400, "bad_request"]);
  const origin = "https://node.example";
  assertEquals(await codeOf(ask({ ...upgrade, origin })), [403, "forbidden"]);
  assertEquals(test.upgraded.length, 0);
  await ask({ ...upgrade });
  assertEquals(test.upgraded.length, 1);
});

Deno.test("GET /p2p/channel upgrades no 51st socket of an IPv6 /64 while none of them is proven", async () => {
  await using test = await TestNode.start();
  const headers = { upgrade: "websocket" };
  const ask = (address: string) => test.ask("GET", "/p2p/channel", { headers, address });
  for (let index = 0; index < 50; index++) await ask(`2001:db8:0:1::${index}`);
  assertEquals(test.upgraded.length, 50);
  assertEquals(await codeOf(ask("2001:db8:0:1:ffff::")), [429, "rate_limited"]);
  assertEquals(test.upgraded.length, 50, "refused before there is a socket");
  await ask("2001:db8:0:2::1");
  assertEquals(test.upgraded.length, 51);
});

Deno.test("A limit counts the addresses of one IPv6 /64 together", async () => {
  await using test = await TestNode.start({ handshakesPerMinute: 2 });
  const garbage = {
    v: 3,
    suite: "ik-x25519",
    pair_id: NONCE,
    noise: encodeBase64Url(new Uint8Array(200)),
  };
  const addresses = ["2001:db8:0:1::1", "2001:db8:0:1:2::", "2001:db8:0:1::3", "2001:db8:0:2::1"];
  const states = [];
  for (const address of addresses) {
    states.push((await test.post("/p2p/handshake", garbage, address)).status);
  }
  assertEquals(states, [403, 403, 429, 403]);
});

Deno.test("POST /tokens/receive answers received, and a refusal with its code", async () => {
  await using test = await TestNode.start();
  await test.introduce();
  assertEquals(test.vaultPairs, 1);
  const push = { envelope: "a.b.c", directory: test.directory.record };
  assertEquals((await test.post("/tokens/receive", push)).status, 403);
  assert((await test.post("/tokens/receive", { ...push, directory: "a.b.c" })).status === 403);
});
