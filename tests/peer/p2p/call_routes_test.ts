import { assert, assertEquals } from "@std/assert";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { CALL_PATHS } from "../../../protocol/peer_api.ts";
import { AskedModule } from "../../world/asked_module.ts";
import { settle } from "../../world/settle.ts";
import { askOf } from "../modules/call_world.ts";
import { MINUTE_MS } from "../parts.ts";
import { type Answered, type PeerSession, TestNode } from "../test_node.ts";

const PATH = "/p2p/auth/challenge";
const TYPE = "authentication.challenge";
const BODY = encodeUtf8("prove it");

async function setUp() {
  const module = new AskedModule("authentication", "challenge");
  const test = await TestNode.start({}, [module]);
  const session = await test.connect();
  await allow(test);
  return { test, module, session };
}

async function allow(test: TestNode, allowed = true): Promise<void> {
  const path = allowed ? "/peers/allow" : "/peers/deny";
  const input = { peer: test.peer.id, permission: "authentication" };
  const { status } = await test.admin("POST", path, input);
  assertEquals(status, 200);
}

function sealCall(session: PeerSession, number: number, header: Record<string, unknown> = {}) {
  return session.seal({ type: TYPE, ask: askOf(number), ...header }, BODY.slice());
}

async function dataOf(session: PeerSession, { status, body }: Answered) {
  assertEquals([status, body.received], [200, true]);
  return await session.open(decodeBase64Url(body.data)!);
}

Deno.test("POST to the path of a sealed call carries the answer back", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  const frame = await sealCall(session, 1);
  const first = await session.post(frame, PATH);
  const { header, body } = await dataOf(session, first);
  assertEquals(header, { type: TYPE, answer: askOf(1), count: 1 });
  assertEquals(body, BODY);
  assertEquals((await session.post(frame, PATH)).body, first.body);
});

Deno.test("A sealed call by /p2p/message is answered by a frame", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  await session.read();
  assertEquals((await session.post(await sealCall(session, 1))).body, { received: true });
  await settle();
  assertEquals((await session.read()).map(({ answer, count }) => [answer, count]), [
    [askOf(1), 1],
  ]);
});

Deno.test("POST to the path of a sealed call waits ten seconds, then the answer follows", async () => {
  const { test, module, session } = await setUp();
  await using _ = test;
  await session.read();
  const { promise, resolve } = Promise.withResolvers<void>();
  module.handler = () => promise.then(() => ({ body: BODY }));
  const answered = session.post(await sealCall(session, 1), PATH);
  await test.clock.advance(10_000);
  assertEquals((await answered).body, { received: true });
  resolve();
  await settle();
  const answers = (await session.read()).flatMap(({ answer }) => answer ?? []);
  assertEquals(answers, [askOf(1)]);
});

Deno.test("POST to the path of a sealed call refuses every other frame, and nothing comes of it", async () => {
  const { test, module, session } = await setUp();
  await using _ = test;
  const ask = askOf(1);
  const headers: Record<string, unknown>[] = [
    { type: "authentication.note", ask },
    { type: "messaging.text", id: "i", sent_at: 1 },
    { type: "core.close" },
    { type: "core.tick", ask },
    { type: TYPE },
    { type: TYPE, id: "i" },
    { type: TYPE, ask, id: "i" },
    { type: TYPE, ask, answer: ask },
    { type: TYPE, answer: ask },
    { type: TYPE, ask: "short" },
    { type: TYPE, ask: 7 },
    { type: TYPE, ask: `${ask.slice(0, -1)}B` },
    { type: "made up" },
  ];
  const { read } = await refusing(test, session);
  for (const header of headers) {
    const { status, body } = await session.post(await session.seal(header, BODY.slice()), PATH);
    assertEquals([status, body.code], [400, "bad_request"], JSON.stringify(header));
  }
  await test.clock.advance(1_000);
  assertEquals([await read(), module.calls, module.frames], [[], [], []]);
  const { body } = await test.admin("GET", "/status");
  assertEquals(body.sessions.map(({ state }: { state: string }) => state), ["confirmed"]);
});

Deno.test("POST of a wrong frame confirms no session, and a sealed call does", async () => {
  const { test } = await setUp();
  await using _ = test;
  const session = await test.call(await test.introduce());
  const stateOf = async () => {
    const { body } = await test.admin("GET", "/status");
    return body.sessions.find((view: { session_id: string }) => view.session_id === session.id)
      ?.state;
  };
  await session.post(await session.seal({ type: "core.hello" }), PATH);
  await settle();
  assertEquals(await stateOf(), "unconfirmed");
  const { header } = await dataOf(session, await session.post(await sealCall(session, 1), PATH));
  assertEquals([header.answer, await stateOf()], [askOf(1), "confirmed"]);
});

Deno.test("POST to the path of a sealed call says of sessions what /p2p/message says", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  const frame = await sealCall(session, 1);
  const codeOf = async (change: (frame: Uint8Array) => void, sessionId?: string) => {
    const changed = frame.slice();
    change(changed);
    const session_id = sessionId ?? encodeBase64Url(changed.subarray(1, 17));
    const { status, body } = await test.post(PATH, { session_id, data: encodeBase64Url(changed) });
    return [status, body.code];
  };
  assertEquals(await codeOf((bytes) => bytes[40]! ^= 1), [403, "frame_rejected"]);
  assertEquals(await codeOf((bytes) => bytes[0] = 2), [403, "frame_rejected"]);
  assertEquals(await codeOf((bytes) => bytes[3]! ^= 1), [404, "session_unknown"]);
  assertEquals(await codeOf(() => {}, askOf(9)), [404, "session_unknown"]);
  const known = encodeBase64Url(session.sessionId);
  assertEquals(await codeOf((bytes) => bytes[3]! ^= 1, known), [400, "bad_request"]);
  assertEquals((await test.ask("GET", PATH)).body.code, "method_not_allowed");
  await test.admin("POST", "/peers/block", { peer: test.peer.id });
  assertEquals(await codeOf(() => {}), [404, "session_unknown"]);
});

Deno.test("The path of a sealed call that no running module answers is not there", async () => {
  const { test } = await setUp();
  await using _ = test;
  const nothing = await test.ask("POST", "/p2p/nothing", { body: "{}" });
  const { status } = await test.ask("POST", "/p2p/message/send", { body: "{}" });
  assertEquals(status, 400, "messaging answers its own");
  for (const module of ["messaging", "file_sharing"]) {
    await test.admin("POST", "/modules/disable", { module });
  }
  const paths = [...CALL_PATHS.values()].filter((path) => path !== PATH);
  assertEquals(paths.length, 3);
  for (const path of paths) {
    for (const method of ["POST", "GET", "PUT"]) {
      const body = method === "GET" ? {} : { body: "x".repeat(2 ** 21) };
      const answer = await test.ask(method, path, body);
      assertEquals([answer.status, answer.body], [404, nothing.body], `${method} ${path}`);
    }
  }
});

Deno.test("The ninth repeat of a sealed call gets 429 by POST, and nothing as a frame", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  const frame = await sealCall(session, 1);
  for (let count = 0; count <= 8; count++) {
    assertEquals((await session.post(frame, PATH)).status, 200);
  }
  const { status, body, headers } = await session.post(frame, PATH);
  assertEquals([status, body.code, headers.get("retry-after")], [429, "rate_limited", "150"]);
  await session.read();
  await session.post(frame);
  await settle();
  assertEquals(await session.read(), []);
});

Deno.test("Frames with an id that are denied or unknown are refused once; others are not", async () => {
  const { test, module, session } = await setUp();
  await using _ = test;
  const { read } = await refusing(test, session);
  await session.send({ type: "authentication.note", id: "taken" });
  assertEquals(await read(), [{ type: "core.ack", ids: ["taken"] }]);
  await session.send({ type: "nobody.knows", id: "unknown" });
  await session.send({ type: TYPE, id: "a-call-without-ask" });
  await session.send({ type: "authentication.note", id: "must", must: ["new"] });
  await session.send({ type: "authentication.note" });
  await session.send({ type: "nobody.knows" });
  module.receive = () => Promise.reject({ code: "overloaded", message: "Full" });
  await session.send({ type: "authentication.note", id: "full" });
  module.receive = () => Promise.resolve(false);
  await session.send({ type: "authentication.note", id: "not-stored" });
  module.receive = () => Promise.reject({ code: "bad_request", message: "Nonsense" });
  await session.send({ type: "authentication.note", id: "nonsense" });
  await allow(test, false);
  await session.send({ type: "authentication.note", id: "denied" });
  await session.send({ type: "authentication.note", id: "taken" });
  const said = await read();
  assertEquals(said.map(({ type, ids }) => [type, ids]), [
    ["core.refused", ["unknown"]],
    ["core.refused", ["a-call-without-ask"]],
    ["core.refused", ["must"]],
    ["core.refused", ["nonsense"]],
    ["core.refused", ["denied"]],
    ["core.ack", ["taken"]],
  ]);
});

Deno.test("A message that the peer refuses is repeated no more, and its module is told", async () => {
  const { test, module, session } = await setUp();
  await using _ = test;
  const { read } = await refusing(test, session);
  const send = () => module.context.send({ peer: test.peer.id, type: "note", id: "n1" });
  const sending = send();
  await settle();
  assertEquals((await read()).map(({ id }) => id), ["n1"]);
  assert(!sending.refused);
  await session.send({ type: "core.refused", ids: ["other", "n1"] });
  assertEquals([await sending.acknowledged, sending.refused], [null, true]);
  await test.clock.advance(10 * MINUTE_MS);
  assertEquals((await read()).filter(({ id }) => id === "n1"), []);
  const again = send();
  await settle();
  assertEquals((await read()).map(({ id }) => id), ["n1"]);
  await session.send({ type: "core.ack", ids: ["n1"] });
  assertEquals([await again.acknowledged, again.refused], [0, false]);
});

/** Reads what the node says, but for what every new session brings. */
async function refusing(test: TestNode, session: PeerSession) {
  await test.clock.advance(5_000);
  const read = async () => {
    const headers = await session.read();
    return headers.filter(({ type }) =>
      !["core.hello", "core.keep", "core.sync", "core.tick"].includes(String(type))
    );
  };
  await read();
  return { read };
}
