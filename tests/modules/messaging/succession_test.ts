import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { fillConversations } from "../../../modules/messaging/filled_conversations.ts";
import { MESSAGING_MANIFEST } from "../../../modules/messaging/manifest.ts";
import { MESSAGING_TABLES } from "../../../modules/messaging/tables.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { HistoryView } from "../../../protocol/messaging_api.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { settle } from "../../world/settle.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER, NEXT, OTHER] = PEERS;
const RUN = "AAAAAAAAAAA";

Deno.test("A message that came comes again under the id that followed, and is known", async () => {
  using messaging = await MessagingWorld.start();
  const receive = (peer: typeof PEER, id: string, n: number) => {
    const header = { type: "messaging.text", id, run: RUN, n };
    return messaging.receive({ peer, id, header, body: encodeUtf8(`${id} ${n}`) });
  };
  assertEquals([await receive(PEER, "a", 1), await receive(PEER, "b", 2)], [true, true]);
  const { host } = messaging.hosted;
  await messaging.world.parts.store.write(() => host.writeMove(PEER, NEXT));
  const again = [await receive(NEXT, "a", 1), await receive(NEXT, "c", 3)];
  assertEquals(again, [true, true]);
  const texts = (await messaging.inbox()).map(({ text }) => text);
  assertEquals(texts, ["a 1", "b 2", "c 3"]);
});

Deno.test("A text without a number comes again under the id that followed, and is known", async () => {
  using messaging = await MessagingWorld.start();
  await messaging.receive({ peer: PEER, id: "a" });
  const { host } = messaging.hosted;
  await messaging.world.parts.store.write(() => host.writeMove(PEER, NEXT));
  assertEquals(await messaging.receive({ peer: NEXT, id: "a" }), true);
  assertEquals(await messaging.receive({ peer: NEXT, id: "b" }), true, "another one");
  assertEquals((await messaging.inbox()).map(({ id }) => id), ["a", "b"]);
});

Deno.test("What is kept of a conversation goes to the id that followed, also where that has its own", async () => {
  using messaging = await MessagingWorld.start();
  const { hosted, world } = messaging;
  const ask = <T>(method: string, path: string, content?: unknown) =>
    hosted.ask<T>(method, `/m/messaging${path}`, content);
  await messaging.receive({ peer: PEER, id: "a" });
  await ask("POST", "/read", { peer: PEER });
  await ask("POST", "/receipts", { peer: PEER, tell: false });
  await ask("PUT", "/draft", { peer: PEER, text: "dear" });
  await messaging.send(NEXT, "to the new id");
  await world.parts.store.write(() => hosted.host.writeMove(PEER, NEXT));
  const { text } = await ask<{ text: string }>("GET", `/draft?peer=${NEXT}`);
  const { unread } = await ask<{ unread: number }>("GET", `/history?peer=${NEXT}`);
  const rows = world.parts.store
    .statement("SELECT conversation, receipts, next_n FROM messaging_conversations").all()
    .map(({ conversation, receipts, next_n: next }) => [conversation, receipts, next]);
  assertEquals([text, unread, rows], ["dear", 0, [[NEXT, 0, 2]]]);
});

Deno.test("Messages of a version without conversations get those of their peers, as these are now", async () => {
  using world = await ContextWorld.create();
  const { old, next } = await world.succeeded();
  const { context } = await world.contextOf(MESSAGING_MANIFEST);
  const tables = context.storage.tables!;
  tables.migrate(MESSAGING_TABLES);
  await tables.write(() => {
    for (const peer of [old, next, OTHER]) {
      tables.statement(
        `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request)
         VALUES (?, ?, x'01', 7, 0)`,
      ).run(peer, "a");
      tables.statement(
        "INSERT INTO messaging_outbox (peer, id, sealed, sent_at) VALUES (?, ?, x'01', 7)",
      ).run(peer, peer);
    }
  });
  await fillConversations(tables);
  const rows = tables.statement(
    "SELECT conversation, sent_at FROM messaging_messages ORDER BY own, number",
  ).all().map((row) => [row.conversation, row.sent_at]);
  const expected = [[next, 7], [next, 7], [OTHER, 7]];
  assertEquals(rows, [...expected, ...expected]);
});

Deno.test("A number that never comes is said to the id that followed meanwhile", async () => {
  using messaging = await MessagingWorld.start();
  const { hosted, world } = messaging;
  const { old, next, follow } = await world.succeeding();
  const { id } = await messaging.send(old, "too much");
  await follow();
  const cancelled = hosted.ask("POST", "/m/messaging/outbox/cancel", { id });
  await world.parts.store.write(() => hosted.host.writeMove(old, next));
  await cancelled;
  const waiting = world.parts.store.statement(
    "SELECT peer, conversation, kind FROM messaging_outbox WHERE delivered = 0",
  ).all();
  assertEquals(waiting.map((row) => ({ ...row })), [
    { peer: next, conversation: next, kind: "remove" },
  ]);
  await settle();
  assertEquals(world.sender.sent.at(-1)?.peer, next);
});

Deno.test("Nothing is written that waits for a peer that was forgotten, and may have another id by now", async () => {
  using messaging = await MessagingWorld.start();
  const { hosted, world: { parts, sender } } = messaging;
  const ask = (path: string, content: object) =>
    hosted.ask("POST", `/m/messaging${path}`, { peer: PEER, ...content });
  const { id } = await messaging.send(PEER, "hello");
  const other = await messaging.send(PEER, "and more");
  await settle();
  for (const { id } of sender.sent) await messaging.acknowledge(id);
  await parts.store.write(() => {
    parts.permissions.writeForget(PEER);
    hosted.host.writeForget(PEER);
  });
  await ask("/remove", { id });
  const refusal = await assertRejects(
    () => ask("/react", { id: other.id, reaction: "x" }),
    OpenRedError,
  );
  assertEquals(refusal.code, "bad_request");
  const { messages } = await hosted.ask<HistoryView>(
    "GET",
    `/m/messaging/history?peer=${PEER}`,
  );
  assertEquals(messages.map(({ text, removed }) => [text, removed]), [
    ["", true],
    ["and more", undefined],
  ]);
  assertEquals(messaging.waiting(PEER), 0);
});
