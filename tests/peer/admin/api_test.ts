import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeBase64Url, encodeBase64Url } from "../../../crypto/encoding.ts";
import { isAdminProof } from "../../../protocol/admin_proof.ts";
import { readAnswer, TestNode } from "../test_node.ts";
import { ADMIN_TOKEN } from "../../world/compose_node.ts";
import { settle } from "../../world/settle.ts";

async function ask(
  test: TestNode,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: BodyInit } = {},
): Promise<[number, string | undefined]> {
  const { method = "GET", headers = {}, body = null } = options;
  const init = { method, headers, body };
  const root = path.startsWith("/m/") ? "" : "/admin/v1";
  const response = await test.node.handleAdmin(new Request(`http://127.0.0.1${root}${path}`, init));
  const answer = await readAnswer(response);
  return [answer.status, answer.body?.code];
}

const WITH_TOKEN = { authorization: `Bearer ${ADMIN_TOKEN}` };

Deno.test("The admin API answers nothing without its token, and says so the same way each time", async () => {
  await using test = await TestNode.start();
  const wrong = [
    {},
    { authorization: "" },
    { authorization: "Bearer " },
    { authorization: ADMIN_TOKEN },
    { authorization: `Basic ${ADMIN_TOKEN}` },
    { authorization: `Bearer ${ADMIN_TOKEN.slice(1)}` },
    { authorization: `Bearer ${ADMIN_TOKEN}x` },
    { authorization: `Bearer ${ADMIN_TOKEN.replace("t", "T")}` },
    { authorization: `Bearer ${"x".repeat(10_000)}` },
  ];
  for (const headers of wrong as Record<string, string>[]) {
    for (const path of ["/id", "/status", "/events", "/nothing"]) {
      assertEquals(await ask(test, path, { headers }), [401, "unauthorized"]);
    }
  }
  assertEquals((await ask(test, "/id", { headers: WITH_TOKEN }))[0], 200);
});

Deno.test("The admin API of a node without a token lets nobody in", async () => {
  await using test = await TestNode.start({ adminToken: "" });
  for (const headers of [{}, { authorization: "Bearer " }] as Record<string, string>[]) {
    assertEquals((await ask(test, "/id", { headers }))[0], 401);
  }
});

Deno.test("The admin API refuses a request that names an Origin, token or not", async () => {
  await using test = await TestNode.start();
  const headers = { ...WITH_TOKEN, origin: "http://127.0.0.1" };
  assertEquals(await ask(test, "/id", { headers }), [401, "unauthorized"]);
});

Deno.test("The admin API takes input of exactly its form", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const bodies = [
    "",
    "{",
    "[]",
    JSON.stringify({ peer }).slice(0, -1),
    JSON.stringify({ peer, text: 5 }),
    JSON.stringify({ peer, text: "" }),
    JSON.stringify({ peer, text: "x".repeat(262_145) }),
    JSON.stringify({ peer, text: "x", more: 1 }),
    JSON.stringify({ peer, text: "x", wait_ms: -1 }),
    JSON.stringify({ peer, text: "x", wait_ms: 300_001 }),
    JSON.stringify({ peer, text: "x", wait_ms: "5" }),
    new Uint8Array([0x7b, 0xff]),
  ];
  for (const body of bodies) {
    const [status, code] = await ask(test, "/m/messaging/messages", {
      method: "POST",
      headers: WITH_TOKEN,
      body,
    });
    assertEquals([status, code], [400, "bad_request"], String(body));
  }
  const limits = { "/connect": 512 * 1024, "/m/messaging/messages": 1024 * 1024 };
  for (const [path, limit] of Object.entries(limits)) {
    const post = (bytes: number) =>
      ask(test, path, { method: "POST", headers: WITH_TOKEN, body: " ".repeat(bytes) });
    assertEquals(await post(limit + 1), [413, "too_large"], path);
    assertEquals(await post(limit), [400, "bad_request"], path);
  }
});

Deno.test("The admin API takes queries of exactly their form", async () => {
  await using test = await TestNode.start();
  const bad = [
    "/m/messaging/inbox?after=-1",
    "/m/messaging/inbox?after=x",
    "/m/messaging/inbox?limit=0",
    "/m/messaging/inbox?limit=1001",
    "/m/messaging/inbox?after=99999999999999999",
    "/m/messaging/inbox?more=1",
    "/discover?limit=x",
    "/discover?more=1",
    `/discover?alias=${"x".repeat(65)}`,
  ];
  for (const path of bad) {
    assertEquals(await ask(test, path, { headers: WITH_TOKEN }), [400, "bad_request"], path);
  }
  assertEquals(
    (await ask(test, "/m/messaging/inbox?after=0&limit=1", { headers: WITH_TOKEN }))[0],
    200,
  );
});

Deno.test("The admin API answers 405 to another method and 404 to another path", async () => {
  await using test = await TestNode.start();
  const post = { method: "POST", headers: WITH_TOKEN, body: "{}" };
  assertEquals(await ask(test, "/status", post), [405, "method_not_allowed"]);
  assertEquals(await ask(test, "/connect", { headers: WITH_TOKEN }), [405, "method_not_allowed"]);
  assertEquals(await ask(test, "/nothing", { headers: WITH_TOKEN }), [404, "not_found"]);
});

Deno.test("The admin API refuses the own id, and an id nobody knows", async () => {
  await using test = await TestNode.start();
  const own = await test.admin("POST", "/connect", { peer: test.node.id });
  assertEquals([own.status, own.body.code], [400, "bad_request"]);
  const unknown = await test.admin("POST", "/m/messaging/messages", {
    peer: test.peer.id,
    text: "hello",
  });
  assertEquals([unknown.status, unknown.body.code], [404, "node_unknown"]);
  const renewed = await test.admin("POST", "/tokens/renew", { peer: test.peer.id, wait_ms: 0 });
  assertEquals([renewed.status, renewed.body.code], [404, "not_found"]);
});

Deno.test("GET /status shows what there is, and no secret", async () => {
  await using test = await TestNode.start();
  await test.connect();
  const { body } = await test.admin("GET", "/status");
  assertEquals(body.node_id, test.node.id);
  assertEquals(body.directories[0].state, "registered");
  const [session] = body.sessions;
  assertEquals([session.state, session.method, session.post_quantum], [
    "confirmed",
    "alpha",
    false,
  ]);
  assertEquals([session.epoch, session.issuer], [497_222, test.directory.keys.id]);
  assert(!JSON.stringify(body).includes(ADMIN_TOKEN));
});

Deno.test("GET /events streams what happens until the reader goes or the node stops", async () => {
  await using test = await TestNode.start();
  const gone = new AbortController();
  const open = (signal?: AbortSignal) =>
    test.node.handleAdmin(
      new Request("http://127.0.0.1/admin/v1/events", {
        headers: WITH_TOKEN,
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  const response = await open();
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const leaving = await open(gone.signal);
  const reading = response.text();
  await test.connect();
  gone.abort();
  await settle();
  await leaving.text();
  await test.introduce();
  await test.clock.advance(15_000);
  await test.stop();
  const text = await reading;
  assertStringIncludes(text, ":still here\n\n");
  assertStringIncludes(
    text,
    `event:introduced\ndata:{"type":"introduced","peer":"${test.peer.id}"`,
  );
  assertStringIncludes(text, 'event:session\ndata:{"type":"session","session":{');
  await test.boot();
});

Deno.test("GET /events lets a reader go that takes nothing", async () => {
  await using test = await TestNode.start();
  const request = new Request("http://127.0.0.1/admin/v1/events", { headers: WITH_TOKEN });
  const response = await test.node.handleAdmin(request);
  for (let comment = 0; comment < 1_100; comment++) await test.clock.advance(15_000);
  const comments = (await response.text()).split(":still here").length - 1;
  assert(comments > 1_000 && comments < 1_100, `${comments}`);
});

Deno.test("The admin API audits who shows the token once an hour, and everybody who does not", async () => {
  await using test = await TestNode.start();
  const audited = () =>
    test.log.entries.filter(({ event }) => event === "admin_sign_in")
      .map(({ fields }) => fields.success);
  await ask(test, "/id");
  await ask(test, "/id", { headers: WITH_TOKEN });
  await ask(test, "/id", { headers: WITH_TOKEN });
  assertEquals(audited(), [false, true]);
  await test.clock.advance(3_600_000);
  await ask(test, "/id", { headers: WITH_TOKEN });
  await ask(test, "/id", { headers: { ...WITH_TOKEN, origin: "http://127.0.0.1" } });
  assertEquals(audited(), [false, true, true, false]);
});

Deno.test("The admin API tells the log what failed, and the answer not", async () => {
  await using test = await TestNode.start();
  const logged = (name: string) => test.log.entries.filter(({ event }) => event === name);
  test.database.exec("PRAGMA query_only = ON");
  const full = await test.admin("POST", "/peers/block", { peer: test.peer.id });
  test.database.exec("PRAGMA query_only = OFF");
  assertEquals([full.status, full.body.code], [503, "overloaded"]);
  assertStringIncludes(String(logged("storage_failed")[0]?.fields.why), "readonly");
  test.database.exec("ALTER TABLE messaging_inbox RENAME TO away");
  const broken = await test.admin("GET", "/m/messaging/inbox");
  test.database.exec("ALTER TABLE away RENAME TO messaging_inbox");
  assertEquals([broken.status, JSON.stringify(broken.body).includes("table")], [500, false]);
  assertStringIncludes(String(logged("admin_request_failed")[0]?.fields.text), "no such table");
});

Deno.test("The admin API waits for no session once whoever asked has gone", async () => {
  await using test = await TestNode.start();
  test.directory.records.set(test.peer.id, await test.peer.recordText());
  const gone = new AbortController();
  const request = new Request("http://127.0.0.1/admin/v1/connect", {
    method: "POST",
    headers: WITH_TOKEN,
    body: JSON.stringify({ peer: test.peer.id, wait_ms: 300_000 }),
    signal: gone.signal,
  });
  const answering = test.node.handleAdmin(request);
  await test.clock.advance(1_000);
  gone.abort();
  const { status, body } = await readAnswer(await answering);
  assertEquals([status, body.code], [404, "node_unknown"]);
});

Deno.test("AdminApi proves that it knows the token to whoever asks, and shows it to nobody", async () => {
  await using test = await TestNode.start();
  const nonce = new Uint8Array(16).fill(7);
  const ask = (path: string, headers: Record<string, string> = {}) =>
    test.node.handleAdmin(new Request(`http://127.0.0.1/admin/v1/proof${path}`, { headers }));
  const response = await ask(`?nonce=${encodeBase64Url(nonce)}`);
  assertEquals(response.status, 200);
  const { proof } = await response.json();
  const given = { nonce, proof: decodeBase64Url(proof)! };
  assert(await isAdminProof(ADMIN_TOKEN, given));
  assert(!await isAdminProof(`${ADMIN_TOKEN}x`, given));
  assert(!await isAdminProof(ADMIN_TOKEN, { ...given, nonce: new Uint8Array(16) }));
  for (const path of ["", "?nonce=AAAA", `?nonce=${encodeBase64Url(nonce)}&more=1`]) {
    assertEquals((await ask(path)).status, 400, path);
  }
});

Deno.test("AdminApi answers under names of this machine only", async () => {
  await using test = await TestNode.start();
  const ask = (host: string, path: string) => {
    const headers = { host, authorization: `Bearer ${ADMIN_TOKEN}` };
    return test.node.handleAdmin(new Request(`http://127.0.0.1/admin/v1${path}`, { headers }));
  };
  for (const host of ["127.0.0.1:7", "127.9.8.7", "localhost:80", "[::1]:7600"]) {
    assertEquals((await ask(host, "/id")).status, 200, host);
  }
  const nonce = encodeBase64Url(new Uint8Array(16));
  for (const host of ["rebound.example", "localhost.example", "0.0.0.0:7", "8.8.8.8", "a b"]) {
    for (const path of ["/id", `/proof?nonce=${nonce}`]) {
      assertEquals((await ask(host, path)).status, 403, `${host} ${path}`);
    }
  }
});
