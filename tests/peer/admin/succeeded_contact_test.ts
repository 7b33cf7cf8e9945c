import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { decodeNodeId, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { ContactDirectories } from "../../../peer/directories/contact_directories.ts";
import type { OpenNode } from "../../../peer/node.ts";
import type { PeerDetail } from "../../../protocol/admin_api.ts";
import type { InboxView } from "../../../protocol/messaging_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { answerJson } from "../../world/fake_http.ts";
import { TestParts } from "../parts.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { settle } from "../../world/settle.ts";

const TEXT = "messaging.text";

/** A node, and a peer that its directory knows, until another identity has followed that. */
async function setUp() {
  const test = await TestNode.start();
  const { peer: old, directory, crypto } = test;
  const next = await TestNodeKeys.create(crypto);
  const pin = encodeBase64Url(await crypto.sha256(decodeNodeId(next.id)!));
  directory.records.set(old.id, await old.recordText({ next: pin }));
  const succession = await next.succession(old.id);
  const gone = answerJson(410, { code: "succeeded", succession });
  /** From now on the directory knows the new identity. */
  const succeed = async () => {
    directory.records.set(next.id, await next.recordText());
    directory.instead = ({ url, method }) =>
      url.endsWith(old.id) || (method === "POST" && url.endsWith("request-connection"))
        ? gone
        : null;
  };
  const ask = async (path: string, input: object): Promise<PeerDetail> =>
    (await test.admin("POST", path, input)).body;
  const follow = async () => {
    await succeed();
    const record = await next.record();
    assert(await (test.node as OpenNode).inside.book.follow({ chain: [succession], record }));
  };
  return { test, old, next, succeed, follow, ask };
}

Deno.test("what is decided about a former id is decided about the one that followed", async () => {
  const { test, old, next, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  await ask("/peers/alias", { peer: old.id, name: "Bob" });
  await follow();
  const input = { peer: old.id };
  assertEquals((await ask("/peers/show", input)).node_id, next.id);
  const denied = await ask("/peers/deny", { ...input, permission: "files" });
  assertEquals([denied.node_id, denied.denied], [next.id, ["files"]]);
  assertEquals((await ask("/peers/alias", { ...input, name: "Robert" })).petname, "Robert");
  const { body: group } = await test.admin("POST", "/groups/add", { ...input, group: "friends" });
  assertEquals(group.members, [next.id]);
  const sent = await test.admin("POST", "/m/messaging/messages", {
    ...input,
    text: "again",
    wait_ms: 0,
  });
  assertEquals([sent.status, sent.body.peer], [200, next.id]);
  const blocked = await ask("/peers/block", { peer: `openred:${old.id}` });
  assertEquals([blocked.node_id, blocked.blocked_since !== null], [next.id, true]);
  const again = await test.admin("POST", "/connect", { ...input, wait_ms: 0 });
  assertEquals([again.status, again.body.code], [403, "forbidden"]);
});

Deno.test("a friend's old messages stay a friend's after its succession", async () => {
  const { test, old, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  await ask("/peers/alias", { peer: old.id, name: "Bob" });
  const session = await test.connect();
  await session.send({ type: TEXT, id: "a" }, encodeUtf8("hi"));
  await follow();
  const { messages }: InboxView = (await test.admin("GET", "/m/messaging/inbox")).body;
  assertEquals(messages.map(({ peer, petname, standing }) => [peer, petname, standing]), [
    [old.id, "Bob", "allowed"],
  ]);
});

Deno.test("connecting to an id that was never met and has been followed names its successor", async () => {
  const { test, old, next, succeed } = await setUp();
  await using _ = test;
  await succeed();
  const { status, body } = await test.admin("POST", "/connect", { peer: old.id, wait_ms: 0 });
  assertEquals([status, body.code], [410, "succeeded"]);
  assertStringIncludes(body.detail, next.id);
});

Deno.test("the audit log is searched for the very id that was written", async () => {
  const { test, old, next, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  await follow();
  // What a peer causes is written with what comes next.
  await test.clock.advance(300);
  await settle();
  const events = async (peer: string) => {
    const { body } = await test.admin("GET", `/audit?peer=${peer}`);
    return body.entries.map(({ event }: { event: string }) => event);
  };
  assert((await events(old.id)).includes("permission_changed"));
  assert((await events(next.id)).includes("peer_succeeded"));
});

Deno.test("the id that followed is asked about where the former one was, unless it has its own place", async () => {
  using parts = await TestParts.create();
  const { store } = parts;
  const [old, next] = await Promise.all([1, 2].map(() => TestNodeKeys.create(parts.crypto)));
  const places = new ContactDirectories(store);
  for (const url of ["https://first.example", "https://later.example"]) {
    await places.note(old!.id, url);
    await store.write(() => places.writeMove(old!.id, next!.id));
    assertEquals([places.of(old!.id), places.of(next!.id)], [null, "https://first.example"]);
  }
});

Deno.test("what the former session says after a succession reaches nobody", async () => {
  const { test, old, next, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  await ask("/peers/alias", { peer: old.id, name: "Bob" });
  const [thief, late] = [await test.connect(), await test.call(await test.introduce())];
  await thief.send({ type: TEXT, id: "a" }, encodeUtf8("before"));
  const [sent] = (await thief.read()).filter(({ type }) => type === TEXT);
  assertEquals((await test.admin("GET", "/status")).body.sessions.length, 2);
  await follow();
  assertEquals((await test.admin("GET", "/status")).body.sessions, [], "not only closed");
  for (const session of [thief, late]) {
    for (
      const header of [
        { type: TEXT, id: "b" },
        { type: TEXT, id: "a" },
        { type: "core.ack", ids: [sent!.id] },
        { type: "core.hello" },
      ]
    ) {
      const { status, body } = await session.send(header, encodeUtf8("send money"));
      assertEquals([status, body.code], [404, "session_unknown"]);
    }
  }
  const { messages }: InboxView = (await test.admin("GET", "/m/messaging/inbox")).body;
  assertEquals(messages.map(({ peer, text }) => [peer, text]), [[old.id, "before"]]);
  const { sessions, standby_pairs, outbox } = await ask("/peers/show", { peer: next.id });
  assertEquals([sessions, standby_pairs, outbox], [0, 0, 1]);
});

Deno.test("a former id is refused from the moment of its succession, not from its end", async () => {
  const { test, old, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  const thief = await test.connect();
  const { book } = (test.node as OpenNode).inside;
  let fails = true;
  book.alsoMoves(() => {
    if (fails) throw new OpenRedError("overloaded", "No space left on device");
  });
  await assertRejects(follow, OpenRedError);
  assert(book.get(old.id)?.succession != null);
  const send = () => thief.send({ type: TEXT, id: "a" }, encodeUtf8("send money"));
  assertEquals((await send()).body.code, "session_unknown");
  fails = false;
  await follow();
  assertEquals((await send()).body.code, "session_unknown");
  assertEquals((await test.admin("GET", "/m/messaging/inbox")).body.messages, []);
});

Deno.test("after a succession the former id is refused, and its successor is heard", async () => {
  const { test, old, next, follow, ask } = await setUp();
  await using _ = test;
  await ask("/m/messaging/messages", { peer: old.id, text: "hello", wait_ms: 0 });
  await ask("/peers/alias", { peer: old.id, name: "Bob" });
  const half = await test.introduce();
  await follow();
  await assertRejects(() => test.call(half), Error, "403");
  await assertRejects(() => test.introduce(), Error, "403");
  test.peer = next;
  const session = await test.connect();
  assertEquals((await session.send({ type: TEXT, id: "a" }, encodeUtf8("hi"))).status, 200);
  const { messages }: InboxView = (await test.admin("GET", "/m/messaging/inbox")).body;
  assertEquals(messages.map(({ peer, petname, standing }) => [peer, petname, standing]), [
    [next.id, "Bob", "allowed"],
  ]);
});
