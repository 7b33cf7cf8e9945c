import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { MINUTE_MS } from "../parts.ts";
import { askOf, bytesOf, CallWorld } from "./call_world.ts";

const BODY = encodeUtf8("how are you?");

Deno.test("SealedCalls runs a call once, and answers it under its type and ask", async () => {
  using test = await CallWorld.create();
  const frame = await test.seal(askOf(1), { header: { known: 7 }, body: BODY });
  const { header, body } = await test.read(await test.take(frame));
  assertEquals(header, { type: "echo.say", answer: askOf(1), count: 1 });
  assertEquals(body, BODY);
  assertEquals(test.module.calls.map(({ peer, id, isRequest }) => [peer, id, isRequest]), [
    [test.world.peer.id, undefined, false],
  ]);
});

Deno.test("SealedCalls answers the same bytes with the same bytes, and what is sealed anew anew", async () => {
  using test = await CallWorld.create();
  const frame = await test.seal(askOf(1), { body: BODY });
  const first = bytesOf(await test.take(frame));
  assertEquals(bytesOf(await test.take(frame)), first);
  const anew = bytesOf(await test.take(await test.seal(askOf(1), { body: BODY })));
  assertNotEquals(anew, first);
  assertEquals(await test.open(anew), {
    header: { type: "echo.say", answer: askOf(1), count: 1 },
    body: BODY,
  });
  assertEquals(bytesOf(await test.take(frame)), anew, "the answer as it went last");
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls refuses another content under an ask that came", async () => {
  using test = await CallWorld.create();
  await test.ask(1, { body: BODY });
  const others = [{ body: encodeUtf8("who are you?") }, { body: BODY, header: { known: 1 } }];
  for (const other of others) {
    const { header } = await test.ask(1, other);
    assertEquals([header.answer, header.error], [askOf(1), "bad_request"]);
  }
  assertEquals((await test.ask(1, { body: BODY })).header.count, 1, "it is answered as before");
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls asks for the permission at every repeat", async () => {
  using test = await CallWorld.create();
  const frame = await test.seal(askOf(1), { body: BODY });
  await test.take(frame);
  await test.allow(false);
  for (const repeat of [frame, await test.seal(askOf(1), { body: BODY })]) {
    const { header, body } = await test.read(await test.take(repeat));
    assertEquals([header.error, header.count, body.length], ["forbidden", undefined, 0]);
  }
  await test.allow(true);
  assertEquals((await test.ask(1, { body: BODY })).body, BODY);
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls tells strangers and denied peers the same, and a blocked one nothing", async () => {
  using test = await CallWorld.create({ allowed: false });
  const stranger = await test.ask(1);
  await test.allow(false);
  const denied = await test.ask(1);
  assertEquals(stranger, denied);
  assertEquals(stranger.header.error, "forbidden");
  assertEquals(test.world.parts.events.counters().frames_denied, 2);
  assertEquals(test.world.parts.log.audited("permission_denied"), 1);
  await test.world.parts.permissions.block(test.world.peer.id);
  const sent = test.world.sent.length;
  for (const via of ["post", "frame"] as const) {
    assertEquals(await test.take(await test.seal(askOf(2)), via), { kind: "unknown" });
  }
  assertEquals([test.world.sent.length, test.module.calls.length], [sent, 0]);
});

Deno.test("SealedCalls refuses what no module answers, and what must be understood and is not", async () => {
  using test = await CallWorld.create();
  const codeOf = async (number: number, header: Record<string, unknown>) =>
    (await test.ask(number, { header })).header.error;
  assertEquals(await codeOf(1, { type: "echo.note" }), "unsupported");
  assertEquals(await codeOf(2, { type: "nobody.knows" }), "unsupported");
  assertEquals(await codeOf(3, { must: ["known", "unknown"] }), "unsupported");
  assertEquals(await codeOf(4, { must: "known" }), "bad_request");
  assertEquals(test.module.calls.length, 0);
  assertEquals(await codeOf(5, { must: ["known", "ask"] }), undefined);
});

Deno.test("SealedCalls never runs bytes that came before, and forgets a call after its time", async () => {
  using test = await CallWorld.create();
  const frame = await test.seal(askOf(1), { body: BODY });
  const first = bytesOf(await test.take(frame));
  await test.clock.advance(2.5 * MINUTE_MS - 1);
  assertEquals(bytesOf(await test.take(frame)), first);
  await test.clock.advance(1);
  assertEquals(await test.take(frame), { kind: "later" });
  assertEquals(test.module.calls.length, 1);
  assertEquals((await test.ask(1, { body: BODY })).header.count, 2);
});

Deno.test("SealedCalls refuses the ninth repeat", async () => {
  using test = await CallWorld.create();
  const frame = await test.seal(askOf(1));
  await test.take(frame);
  for (let repeat = 0; repeat < 4; repeat++) {
    await test.take(frame);
    await test.ask(1);
  }
  for (const repeat of [frame, await test.seal(askOf(1))]) {
    const error = await assertRejects(() => test.take(repeat), OpenRedError);
    assertEquals([error.code, error.retryAfterMs], ["rate_limited", 2.5 * MINUTE_MS]);
  }
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls runs 16 calls of a peer at a time, and refuses one more", async () => {
  using test = await CallWorld.create();
  const end = test.hold();
  const ends = [];
  for (let number = 1; number <= 16; number++) {
    ends.push(await test.begin(await test.seal(askOf(number))));
  }
  assertEquals((await test.ask(17)).header.error, "rate_limited");
  end();
  await Promise.all(ends.map(({ end }) => end));
  assertEquals((await test.ask(17)).header.count, 16 + 1);
});

Deno.test("SealedCalls keeps 16 answers of a peer; an older one is lost, and does not run again", async () => {
  using test = await CallWorld.create();
  const first = await test.seal(askOf(1));
  await test.take(first);
  for (let number = 2; number <= 17; number++) await test.ask(number);
  for (const repeat of [first, await test.seal(askOf(1))]) {
    assertEquals((await test.read(await test.take(repeat))).header.error, "unreachable");
  }
  assertEquals((await test.ask(2)).header.answer, askOf(2));
  assertEquals(test.module.calls.length, 17);
});

Deno.test("SealedCalls lets a POST wait ten seconds; then the answer goes as a frame, once", async () => {
  using test = await CallWorld.create();
  const end = test.hold();
  const frame = await test.seal(askOf(1), { body: BODY });
  const posts = [await test.begin(frame), await test.begin(frame)];
  await test.clock.advance(9_999);
  assertEquals(test.world.sent.length, 0);
  await test.clock.advance(1);
  for (const post of posts) assertEquals(await post.end, { kind: "later" });
  end();
  await settle();
  assertEquals(test.world.sent.length, 1);
  const { frame: sent } = test.world.sent[0]!;
  assertEquals((await test.open(sent)).body, BODY);
  assertEquals(bytesOf(await test.take(frame)), sent);
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls answers a POST while it waits", async () => {
  using test = await CallWorld.create();
  const end = test.hold();
  const post = await test.begin(await test.seal(askOf(1), { body: BODY }));
  await test.clock.advance(5_000);
  end();
  assertEquals((await test.read(await post.end)).body, BODY);
  assertEquals(test.world.sent.length, 0);
});

Deno.test("SealedCalls answers what came as a frame by a frame, once while it runs", async () => {
  using test = await CallWorld.create();
  const end = test.hold();
  const frame = await test.seal(askOf(1), { body: BODY });
  assertEquals(await test.take(frame, "frame"), { kind: "later" });
  assertEquals(await test.take(frame, "frame"), { kind: "later" });
  await test.take(await test.seal(askOf(1), { body: BODY }), "frame");
  end();
  await settle();
  assertEquals(test.world.sent.length, 1);
  await test.take(frame, "frame");
  assertEquals(test.world.sent[1]?.frame, test.world.sent[0]?.frame);
});

Deno.test("SealedCalls answers on the session that counts, whichever the call came on", async () => {
  using test = await CallWorld.create();
  const former = test.ends;
  const end = test.hold();
  const frame = await test.seal(askOf(1), { body: BODY });
  const post = await test.begin(frame);
  test.ends = await test.world.session();
  former.own.close();
  end();
  assertEquals((await test.read(await post.end)).body, BODY);
  const last = bytesOf(await test.take(await test.seal(askOf(1), { body: BODY })));
  test.world.table.remove(test.ends.own);
  test.ends = await test.world.session();
  const anew = bytesOf(await test.take(await test.seal(askOf(1), { body: BODY })));
  assertNotEquals(anew, last);
  assertEquals((await test.open(anew)).body, BODY);
});

Deno.test("SealedCalls has no answer while there is no session, and gives it in the next one", async () => {
  using test = await CallWorld.create();
  const end = test.hold();
  const post = await test.begin(await test.seal(askOf(1), { body: BODY }));
  test.ends.own.close();
  end();
  assertEquals(await post.end, { kind: "later" });
  test.ends = await test.world.session();
  assertEquals((await test.ask(1, { body: BODY })).body, BODY);
  assertEquals(test.module.calls.length, 1);
});

Deno.test("SealedCalls gives what a module refuses with, and says of a failure only that it is one", async () => {
  using test = await CallWorld.create();
  const { module } = test;
  module.handler = () => Promise.reject({ code: "not_found", message: "There is no such thing" });
  assertEquals((await test.ask(1)).header, {
    type: "echo.say",
    answer: askOf(1),
    error: "not_found",
    detail: "There is no such thing",
  });
  module.handler = () => Promise.reject(new TypeError("a secret of the module"));
  const failed = { type: "echo.say", answer: askOf(2), error: "internal" };
  assertEquals((await test.ask(2)).header, { ...failed, detail: "The module failed" });
  const wrong: unknown[] = [
    { body: new Uint8Array(64 * 1024) },
    { header: { text: "x".repeat(4_096) } },
    { header: { answer: askOf(3) } },
    { header: { error: "forbidden" } },
    { header: { big: 1n } },
    { body: "text" },
    { header: "text" },
    null,
  ];
  for (const [index, answer] of wrong.entries()) {
    module.handler = () => Promise.resolve(answer as Awaited<ReturnType<typeof module.handler>>);
    assertEquals((await test.ask(10 + index)).header.error, "internal", `answer ${index}`);
  }
  const told = test.world.parts.log.entries.filter(({ event }) => event === "sealed_call_failed");
  assertEquals(told.length, 1 + wrong.length);
});

Deno.test("SealedCalls takes the largest answer that fits, and none above it", async () => {
  using test = await CallWorld.create();
  const headerBytes = JSON.stringify({ type: "echo.say", answer: askOf(1) }).length;
  const room = 64 * 1024 - 29 - 6 - 16 - headerBytes;
  test.module.handler = () => Promise.resolve({ body: new Uint8Array(room) });
  const end = await test.take(await test.seal(askOf(1)));
  assertEquals(bytesOf(end).length, 64 * 1024);
  test.module.handler = () => Promise.resolve({ body: new Uint8Array(room + 1) });
  assertEquals((await test.ask(2)).header.error, "internal");
});

Deno.test("SealedCalls answers with what a module gave, whatever that does to it afterwards", async () => {
  using test = await CallWorld.create();
  const header = { list: [1] };
  const body = BODY.slice();
  test.module.handler = () => Promise.resolve({ header, body });
  await test.ask(1);
  header.list.push(2);
  body.fill(0);
  const again = await test.ask(1);
  assertEquals([again.header.list, again.body], [[1], BODY]);
});

Deno.test("SealedCalls has middleware refuse a call before it runs", async () => {
  using test = await CallWorld.create();
  const seen: unknown[] = [];
  (test.modules.get("echo")!.registered.middleware as unknown[]).push((call: unknown) => {
    seen.push(call);
    throw new OpenRedError("overloaded", "Not now");
  });
  assertEquals((await test.ask(1, { body: BODY })).header.error, "overloaded");
  assertEquals(seen, [
    { method: "ASK", path: "echo.say", peer: test.world.peer.id, bytes: BODY.length },
  ]);
  assertEquals(test.module.calls.length, 0);
});
