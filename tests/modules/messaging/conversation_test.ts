import { assert, assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { TwoSides } from "./two_sides.ts";

async function codeOf(asking: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => asking, OpenRedError)).code;
}

Deno.test("A conversation shows both sides the same, in one order", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const question = await a.send("shall we?");
  await sides.deliver();
  // The answer's clock is an hour behind.
  b.messaging.world.parts.clock.skip(-3_600_000);
  await b.send("we shall", { reply_to: question });
  await sides.deliver();
  assertEquals([await a.texts(), await b.texts()], [
    ["shall we?", "we shall"],
    ["shall we?", "we shall"],
  ]);
  const [first, second] = await a.history();
  assertEquals(Object.keys(first!).sort(), [
    "conversation",
    "from",
    "id",
    "n",
    "run",
    "sent_at",
    "state",
    "text",
  ]);
  assertEquals([first!.id, first!.from, first!.n, first!.conversation], [question, a.id, 1, b.id]);
  assertEquals([second!.reply_to, second!.from, second!.state], [question, b.id, {
    [a.id]: "delivered",
  }]);
});

Deno.test("A message has its state: waiting, sent, delivered, read", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const { hosted, world } = a.messaging;
  await a.send("one");
  await settle();
  assertEquals(await a.states(), ["waiting"]);
  world.sender.connected.add(b.id);
  hosted.host.confirmed(b.id);
  await settle();
  assertEquals([await a.states(), (await a.waiting())[0]?.state], [["sent"], "sent"]);
  await sides.deliver();
  assertEquals([await a.states(), await a.waiting()], [["delivered"], []]);
  assertEquals((await b.view()).unread, 1);
  await b.read();
  await sides.deliver();
  assertEquals([await a.states(), (await b.view()).unread], [["read"], 0]);
  assertEquals((await b.history())[0]!.state, { [b.id]: "read" });
  assertEquals(a.told("read"), [{ type: "messaging.read", peer: b.id }]);
  await a.send("two");
  await sides.deliver();
  assertEquals(await a.states(), ["read", "delivered"]);
});

Deno.test("What was read is told only where the owner wants that, and up to what is unread", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const ids = [await a.send("one"), await a.send("two"), await a.send("three")];
  await sides.deliver();
  await b.ask("POST", "/receipts", { peer: a.id, tell: false });
  await b.read();
  await sides.deliver();
  assertEquals(await a.states(), ["delivered", "delivered", "delivered"]);
  await b.ask("POST", "/receipts", { peer: a.id, tell: null });
  await a.send("four");
  await sides.deliver();
  await b.read();
  await sides.deliver();
  assertEquals(await a.states(), ["read", "read", "read", "read"]);
  const held = (await a.history()).map(({ id }) => id);
  assertEquals(held.slice(0, 3), ids);
});

Deno.test("A receipt of reading outlives a restart, and goes once it is taken", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await sides.deliver();
  await b.read();
  await settle();
  b.messaging.world.sender.takeIds();
  await b.messaging.restart();
  await sides.deliver();
  assertEquals(await a.states(), ["read"]);
  await b.messaging.restart();
  await settle();
  assertEquals(b.messaging.world.sender.sent, []);
});

Deno.test("An edit shows the latest text, whenever it comes, and counts from its author alone", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("helo");
  await a.send("hello", { edits: id });
  await a.send("hello!", { edits: id });
  await a.deliver((frames) => frames.toReversed());
  for (const side of [a, b]) {
    const [message, ...others] = await side.history();
    assertEquals([message!.text, message!.edited, message!.id, others], ["hello!", true, id, []]);
  }
  assertEquals((await b.messaging.inbox()).map(({ text, edited }) => [text, edited]), [
    ["hello!", true],
  ]);
  assertEquals(await codeOf(b.send("no", { edits: id })), "forbidden");
});

Deno.test("What was removed is gone on both sides, also where the word comes first", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const first = await a.send("a slip");
  await a.send("a slip of the pen", { edits: first });
  await sides.deliver();
  const second = await a.send("another");
  await a.send("and a third");
  await settle();
  a.messaging.world.sender.connected.add(b.id);
  // It left, and its acknowledgement is late.
  const late = a.messaging.world.sender.sent.splice(0);
  await a.remove(first);
  await a.remove(second);
  await a.deliver();
  for (const { id, header, body } of late) {
    const frame = { type: String(header.type), id, header, body: body! };
    await b.messaging.hosted.take(a.id, frame).catch(() => {});
  }
  for (const side of [a, b]) {
    const seen = (await side.history()).map(({ text, removed }) => [text, removed === true]);
    assertEquals(seen.filter(([, removed]) => !removed), [["and a third", false]]);
  }
  const { store } = b.messaging.world.parts;
  const left = store.statement(
    "SELECT LENGTH(sealed) AS length FROM messaging_messages WHERE erased IS NOT NULL",
  ).all();
  assert(left.length > 0 && left.every(({ length }) => length === 0));
  assertEquals(await codeOf(a.send("once more", { edits: first })), "bad_request");
});

Deno.test("A message that waits is taken back, and leaves no gap", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  const id = await a.send("too much");
  await a.send("three");
  await settle();
  assertEquals((await a.waiting()).map(({ text }) => text), ["one", "too much", "three"]);
  assertEquals(await a.ask("POST", "/outbox/cancel", { id }), { id, peer: b.id });
  assertEquals(await codeOf(a.ask("POST", "/outbox/cancel", { id })), "not_found");
  await a.messaging.restart();
  a.messaging.world.sender.sent.splice(0, 3);
  await sides.deliver();
  const seen = await b.history();
  assertEquals(seen.map(({ text, missing_before: gap }) => [text, gap]), [
    ["one", undefined],
    ["three", undefined],
  ]);
  assertEquals(await a.states(), ["delivered", "given_up", "delivered"]);
});

Deno.test("A gap is shown until it is filled", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  for (const text of ["one", "two", "three", "four"]) await a.send(text);
  await settle();
  const frames = a.messaging.world.sender.sent.splice(0);
  const bring = async (index: number) => {
    const { id, header, body } = frames[index]!;
    await b.messaging.hosted.take(a.id, { type: String(header.type), id, header, body: body! });
  };
  await bring(0);
  await bring(3);
  const gaps = async () => (await b.history()).map(({ text, missing_before: gap }) => [text, gap]);
  assertEquals(await gaps(), [["one", undefined], ["four", 2]]);
  await bring(2);
  assertEquals(await gaps(), [["one", undefined], ["three", 1], ["four", undefined]]);
  await bring(1);
  assertEquals((await b.texts()).join(), "one,two,three,four");
  assertEquals((await gaps()).every(([, gap]) => gap === undefined), true);
});

Deno.test("A reaction shows by who reacted, the latest of each, and can be taken back", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("news");
  await sides.deliver();
  await b.react(id, "👍");
  await b.react(id, "🎉");
  await a.react(id, "😀");
  await sides.deliver();
  for (const side of [a, b]) {
    assertEquals((await side.history())[0]!.reactions, { [a.id]: "😀", [b.id]: "🎉" });
  }
  await b.react(id, "");
  await sides.deliver();
  assertEquals((await a.history())[0]!.reactions, { [a.id]: "😀" });
});

Deno.test("A text that is there for a while goes on both sides, and is not sent late", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("short", { expires_ms: 60_000 });
  await sides.deliver();
  assertEquals(await b.texts(), ["short"]);
  await a.send("never comes", { expires_ms: 60_000 });
  await settle();
  a.messaging.world.sender.sent.splice(0);
  for (const { messaging } of [a, b]) {
    await messaging.world.parts.clock.advance(120_000);
    await settle();
  }
  assertEquals((await b.history()).map(({ text, expired }) => [text, expired]), [["", true]]);
  await sides.deliver();
  assertEquals((await a.history()).map(({ text, expired }) => [text, expired]), [
    ["", true],
    ["", true],
  ]);
  assertEquals(await a.states(), ["delivered", "given_up"]);
});

Deno.test("A time that is far ahead is shown as that of receipt", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const nowMs = b.messaging.world.parts.clock.nowMs();
  a.messaging.world.parts.clock.skip(3_600_000);
  await a.send("from the future");
  await sides.deliver();
  assertEquals((await b.history())[0]!.sent_at, nowMs);
  assertEquals((await a.history())[0]!.sent_at, nowMs + 3_600_000);
});

Deno.test("Numbers begin in a new run after a restore, and nothing that comes then is missed", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await sides.deliver();
  await a.send("of the life that was lost");
  await sides.deliver();
  const { store } = a.messaging.world.parts;
  await store.write(() => {
    store.statement("DELETE FROM messaging_outbox WHERE n = 2").run();
    store.statement("UPDATE messaging_conversations SET next_n = 2").run();
  });
  await store.setSelf("restored", "1790000000001");
  await a.messaging.restart();
  a.messaging.world.parts.clock.skip(1);
  await a.send("after it");
  await sides.deliver();
  assertEquals(await b.texts(), ["one", "of the life that was lost", "after it"]);
  const runs = (await b.history()).map(({ run, n }) => `${run} ${n}`);
  assertEquals(new Set(runs).size, 3);
  await a.messaging.restart();
  await a.send("and more");
  await sides.deliver();
  const [third, fourth] = (await b.history()).slice(2);
  assertEquals([third!.run === fourth!.run, fourth!.n], [true, 2]);
});

Deno.test("Writing is told while there is a session, and not more than now and then", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const { sender, parts } = a.messaging.world;
  const type = () => a.ask("POST", "/typing", { peer: b.id });
  await type();
  assertEquals(sender.once, []);
  sender.connected.add(b.id);
  await type();
  await type();
  assertEquals(sender.once.map(({ header }) => header), [{ type: "messaging.typing" }]);
  await parts.clock.advance(3_000);
  await type();
  assertEquals(sender.once.length, 2);
  await b.messaging.hosted.take(a.id, { type: "messaging.typing" });
  await b.messaging.hosted.take(a.id, { type: "messaging.typing" });
  assertEquals(b.told("typing"), [{ type: "messaging.typing", peer: a.id }]);
});

Deno.test("A draft is kept over a restart, and gone once it is empty", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const draft = async () => (await a.ask<{ text: string }>("GET", `/draft?peer=${b.id}`)).text;
  assertEquals(await draft(), "");
  await a.ask("PUT", "/draft", { peer: b.id, text: "dear b" });
  await a.messaging.restart();
  assertEquals(await draft(), "dear b");
  const { conversations } = await a.ask<{ conversations: unknown[] }>("GET", "/conversations");
  assertEquals(conversations, [
    { peer: b.id, petname: null, unread: 0, waiting: 0, has_draft: true },
  ]);
  await a.ask("PUT", "/draft", { peer: b.id, text: "" });
  assertEquals(await draft(), "");
});

Deno.test("Messages are given up only after the span that the operator set, and it is said", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  const { clock, events } = a.messaging.world.parts;
  clock.skip(400 * 24 * 3_600_000);
  await a.messaging.restart();
  await settle();
  assertEquals(await a.states(), ["waiting"]);
  await a.messaging.hosted.host.setOption("messaging", "give_up_days", 30);
  await settle();
  await clock.advance(60_000);
  await settle();
  assertEquals([await a.states(), await a.texts()], [["given_up"], ["one"]]);
  assert(events.warnings().some((text) => text.includes(`1 message(s) to ${b.id}`)));
  // What went is lost but for the word that the number stays empty.
  a.messaging.world.sender.sent.splice(0, 3);
  await sides.deliver();
  assertEquals([await b.texts(), a.messaging.waiting(b.id)], [[], 0]);
});

Deno.test("An answer holds so much text, and every way to read goes on behind it", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const ids: string[] = [];
  for (let index = 0; index < 12; index++) ids.push(await a.send(`short ${index}`));
  for (const id of ids) await a.send(`long ${"x".repeat(262_000)}`, { edits: id });
  await settle();
  assertEquals((await a.ask<{ more: boolean }>("GET", "/outbox")).more, true);
  await sides.deliver();
  const read: string[] = [];
  let before = "";
  do {
    const { messages, older } = await b.view(before);
    assert(messages.length > 0 && messages.length < 12);
    read.unshift(...messages.map(({ id }) => id));
    before = older === null ? "" : `&before=${older}`;
  } while (before !== "");
  assertEquals(read, ids);
  const newest = await b.messaging.inbox("before=1000&limit=12");
  const oldest = await b.messaging.inbox("after=0&limit=12");
  assertEquals([newest.at(-1)?.id, oldest[0]?.id], [ids.at(-1), ids[0]]);
  assert(newest.length < 12 && oldest.length < 12);
  const found = await b.ask<{ messages: unknown[]; more: boolean }>("GET", "/search?text=long");
  assertEquals([found.messages.length < 12, found.more], [true, true]);
});
