import { assertEquals, assertMatch } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { systemHttpClient } from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { signText } from "../protocol/signer.ts";
import { type Answer, answerJson } from "./fake_nodes.ts";
import { START_MS, TestDirectory } from "./test_directory.ts";

Deno.test("The callback asks with a nonce of 22 characters and the directory's id", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  const [request] = test.network.requests;
  const url = new URL(request!.url);
  assertEquals([request!.method, url.origin + url.pathname], ["GET", `${node.apiUrl}/identity`]);
  assertMatch(url.searchParams.get("nonce")!, /^[A-Za-z0-9_-]{22}$/);
  assertEquals(url.searchParams.get("directory"), test.directory.id);
  assertEquals([request!.timeoutMs, request!.maxAnswerBytes], [5_000, 4_096]);
});

Deno.test("The callback refuses a statement that differs in any member", async () => {
  await using test = await TestDirectory.start();
  const [node, other] = [test.node(1), test.node(2)];
  const nowSec = START_MS / 1000;
  const differences = [
    { iss: other.id },
    { aud: other.id },
    { nonce: "A".repeat(22) },
    { nonce: "A" },
    { api_url: "https://elsewhere.example" },
    { api_url: `${node.apiUrl}/` },
    { noise_key: encodeBase64Url(new Uint8Array(32).fill(8)) },
    { iat: nowSec - 121 },
    { iat: nowSec + 121 },
    { v: 4 },
    { must: ["fly"] },
  ];
  for (const changes of differences) {
    node.identityChanges = changes;
    const { status, body } = await test.register(node.record());
    assertEquals([status, body.code], [502, "callback_failed"], JSON.stringify(changes));
    assertEquals(body.now_at, "iat" in changes ? START_MS : undefined, JSON.stringify(changes));
  }
  node.identityChanges = { iat: nowSec - 120 };
  assertEquals((await test.register(node.record())).status, 201);
  const ahead = test.node(3);
  ahead.identityChanges = { iat: nowSec + 120 };
  assertEquals((await test.register(ahead.record())).status, 201);
  assertEquals((await test.get(`/api/v3/nodes/${node.id}`)).status, 200);
});

Deno.test("The callback refuses any other answer", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  const record = node.record();
  const asked = (url: string) => new URL(url).searchParams;
  const forge = (text: string) => text.slice(0, -6) + "AAAAAA";
  const answers: Answer[] = [
    () => answerJson(404, {}),
    () => answerJson(200, {}),
    () => answerJson(200, []),
    () => ({ status: 200, headers: new Headers(), body: new Uint8Array([0xff]) }),
    () => ({ status: 200, headers: new Headers(), body: new Uint8Array() }),
    ({ url }) => answerJson(302, { record, identity: node.statement(asked(url)) }),
    ({ url }) => answerJson(201, { record, identity: node.statement(asked(url)) }),
    ({ url }) => answerJson(200, { record, identity: forge(node.statement(asked(url))) }),
    () => answerJson(200, { record, identity: record }),
    ({ url }) => {
      const payload = { ...JSON.parse(atob(node.statement(asked(url)).split(".")[1]!)) };
      const identity = signText(node.identity, payload, { typ: "openred-proof+jwt" });
      return answerJson(200, { record, identity });
    },
    () => Promise.reject(new OpenRedError("unreachable", "Nobody is there")),
  ];
  const reasons: unknown[] = [];
  for (const answer of answers) {
    test.network.serve(node.apiUrl, answer);
    const { status, body } = await test.register(record);
    assertEquals([status, body.code], [502, "callback_failed"], String(answer));
    reasons.push(body.reason);
  }
  const named = reasons.flatMap((reason, at) => reason === undefined ? [] : [[at, reason]]);
  assertEquals(named, [[0, "other_answer"], [5, "redirects"], [6, "other_answer"]]);
  assertEquals((await test.get(`/api/v3/nodes/${node.id}`)).status, 404);
});

Deno.test("The callback gives up on redirects, large and slow answers of a real server", async () => {
  await using test = await TestDirectory.start({ config: { allowPrivate: true } });
  const node = test.node(1);
  const abort = new AbortController();
  const slow = Promise.withResolvers<Response>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: abort.signal, onListen() {} },
    (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const content = () => ({ record: node.record(), identity: node.statement(searchParams) });
      if (pathname === "/good/identity") return Response.json(content());
      if (pathname === "/redirect/identity") {
        return Response.redirect(
          request.url.replace("redirect", "good"),
        );
      }
      if (pathname === "/large/identity") {
        return Response.json({ ...content(), more: "x".repeat(4096) });
      }
      return slow.promise;
    },
  );
  const code = async (path: string) => {
    const api_url = `http://127.0.0.1:${server.addr.port}/${path}`;
    const timeoutMs = path === "slow" ? 300 : 30_000;
    node.identityChanges = { api_url };
    test.network.serve(
      api_url,
      (request) => systemHttpClient.request({ ...request, timeoutMs }),
    );
    test.clock.advance(1_000);
    const { status, body } = await test.register(node.record({ api_url }));
    return body.code ?? status;
  };
  assertEquals(await code("good"), 201);
  assertEquals(await code("redirect"), "callback_failed");
  assertEquals(await code("large"), "callback_failed");
  assertEquals(await code("slow"), "callback_failed");
  slow.resolve(new Response());
  abort.abort();
  await server.finished;
});
