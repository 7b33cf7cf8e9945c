import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER, OTHER, BLOCKED, STRANGER] = PEERS;

Deno.test("The inbox says yes only once a text is stored, and to a repeat", async () => {
  using messaging = await MessagingWorld.start();
  const hello = { peer: PEER, id: "a", body: encodeUtf8("hello") };
  const twice = [messaging.receive(hello), messaging.receive(hello)];
  assertEquals(await Promise.all(twice), [true, true]);
  assert(await messaging.receive({ ...hello, body: encodeUtf8("other") }));
  assert(await messaging.receive({ ...hello, peer: OTHER }), "another sender's id");
  const stored = await messaging.inbox();
  assertEquals(stored.map(({ text, peer }) => [text, peer]), [["hello", PEER], ["hello", OTHER]]);
  assertEquals(messaging.told("message"), 2);
  assert(messaging.has(PEER, "a"));
  messaging.world.parts.fillDisk();
  await assertRejects(() => messaging.receive({ ...hello, id: "b" }), OpenRedError);
  assert(!messaging.has(PEER, "b"));
});

Deno.test("An id that is taken while a text is on its way keeps out that text alone", async () => {
  using messaging = await MessagingWorld.start();
  const receive = (id: string) => messaging.receive({ peer: PEER, id, body: encodeUtf8(id) });
  const { store } = messaging.world.parts;
  const burst = [receive("a"), receive("b"), receive("c")];
  const taken = store.write(() => {
    store.statement(
      `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, conversation)
       VALUES (?1, 'b', x'00', 0, 0, ?1)`,
    ).run(PEER);
  });
  assertEquals(await Promise.all(burst), [true, true, true]);
  await taken;
  const texts = (await messaging.inbox()).map(({ id, text }) => [id, text]);
  assertEquals(texts, [["b", ""], ["a", "a"], ["c", "c"]]);
});

Deno.test("The inbox tells of a text what it shows of it later", async () => {
  using messaging = await MessagingWorld.start();
  await messaging.receive({ peer: PEER, id: "a", body: encodeUtf8("hello") });
  const [told] = messaging.world.told;
  assertEquals(told, { type: "messaging.message", message: (await messaging.inbox())[0] });
});

Deno.test("The inbox keeps over a restart what it acknowledged", async () => {
  using messaging = await MessagingWorld.start();
  await messaging.receive({ peer: PEER, id: "a", body: encodeUtf8("hello") });
  const before = await messaging.inbox();
  await messaging.restart();
  assertEquals(await messaging.inbox(), before);
  assert(messaging.has(PEER, "a"));
});

Deno.test("The inbox refuses a text that is empty, not UTF-8, too long, or without an id", async () => {
  using messaging = await MessagingWorld.start();
  const text = { peer: PEER, id: "a" };
  const refusal = async (changes: object) =>
    (await assertRejects(() => messaging.receive({ ...text, ...changes }), OpenRedError)).code;
  assertEquals(await refusal({ body: new Uint8Array([0xff]) }), "bad_request");
  assertEquals(await refusal({ body: new Uint8Array(256 * 1024 + 1) }), "too_large");
  assertEquals(await refusal({ header: { type: "messaging.text" } }), "bad_request");
  assertEquals(await refusal({ header: { type: "messaging.text", id: "a b" } }), "bad_request");
  const sentAt = { type: "messaging.text", id: "a", sent_at: "noon" };
  assertEquals(await refusal({ header: sentAt }), "bad_request");
  assertEquals(await refusal({ body: new Uint8Array() }), "bad_request");
  assert(await messaging.receive({ ...text, body: new Uint8Array(256 * 1024).fill(0x61) }));
  assert(await messaging.receive({ ...text, id: "b", body: new Uint8Array(1).fill(0x61) }));
  assertEquals((await messaging.inbox()).length, 2);
});

Deno.test("Messaging is handed no frame of a type that its manifest does not declare", async () => {
  using messaging = await MessagingWorld.start();
  await messaging.world.parts.permissions.accept(PEER);
  const take = (type: string) =>
    messaging.hosted.take(PEER, { type, id: "a", body: encodeUtf8("hello") });
  assertEquals([await take("messaging.other"), await take("messaging.text")], [false, true]);
  assertEquals((await messaging.inbox()).length, 1);
});

Deno.test("The inbox says of each sender what it is now, by the id that followed it last", async () => {
  using messaging = await MessagingWorld.start();
  const { permissions } = messaging.world.parts;
  const { old, next } = await messaging.world.succeeded();
  for (const peer of [old, OTHER, BLOCKED, STRANGER]) await messaging.receive({ peer, id: "a" });
  await permissions.accept(next);
  await messaging.world.petnames.give(next, "Bob");
  await permissions.decide(OTHER, { name: "message", allowed: false });
  await permissions.block(BLOCKED);
  const seen = await messaging.inbox();
  assertEquals(seen.map(({ peer, petname, standing }) => [peer, petname, standing]), [
    [old, "Bob", "allowed"],
    [OTHER, null, "denied"],
    [BLOCKED, null, "blocked"],
    [STRANGER, null, "stranger"],
  ]);
});

Deno.test("The inbox gives the newest below a number, or the oldest above one, oldest first", async () => {
  using messaging = await MessagingWorld.start();
  for (let index = 1; index <= 5; index++) await messaging.receive({ peer: PEER, id: `a${index}` });
  const numbers = async (query: string) =>
    (await messaging.inbox(query)).map(({ number }) => number);
  assertEquals(await numbers(`before=${Number.MAX_SAFE_INTEGER}&limit=2`), [4, 5]);
  assertEquals(await numbers("before=4&limit=2"), [2, 3]);
  assertEquals(await numbers("before=1&limit=2"), []);
  assertEquals(await numbers("after=2&limit=2"), [3, 4]);
  assertEquals(await numbers("after=5&limit=2"), []);
});

Deno.test("The inbox says which text was changed on disk, and shows all the others", async () => {
  using messaging = await MessagingWorld.start();
  const count = 70;
  for (let index = 0; index < count; index++) {
    await messaging.receive({ peer: PEER, id: `a${index}`, body: encodeUtf8(`text ${index}`) });
  }
  messaging.damage("messaging_inbox", "a40");
  const seen = await messaging.inbox();
  assertEquals(
    seen.map(({ text, damaged }) => [text, damaged === true]),
    Array.from(
      { length: count },
      (_, index) => index === 40 ? ["", true] : [`text ${index}`, false],
    ),
  );
  assertEquals(messaging.world.parts.events.warnings().length, 1);
});

Deno.test("The inbox opens no text that was put into the place of another one", async () => {
  using messaging = await MessagingWorld.start();
  const { database } = messaging.world.parts;
  for (const id of ["a", "b"]) await messaging.receive({ peer: PEER, id, body: encodeUtf8(id) });
  const sealed = "(SELECT sealed FROM messaging_inbox WHERE id = 'a')";
  database.exec(`UPDATE messaging_inbox SET sealed = ${sealed} WHERE id = 'b'`);
  const seen = await messaging.inbox();
  assertEquals(seen.map(({ text, damaged }) => [text, damaged]), [["a", undefined], ["", true]]);
});

Deno.test("The inbox keeps a share for each peer that may write, and says so once one is full", async () => {
  using messaging = await MessagingWorld.start();
  const { store, events } = messaging.world.parts;
  store.statement(
    `WITH RECURSIVE counting(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counting WHERE n < 99999)
     INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, conversation)
     SELECT ?1, 'row' || n, x'00', 0, 0, ?1 FROM counting`,
  ).run(PEER);
  const receive = (peer: typeof PEER, id: string) => messaging.receive({ peer, id });
  const burst = [receive(PEER, "a"), receive(PEER, "b"), receive(OTHER, "a")];
  assertEquals(await Promise.all(burst), [true, false, true]);
  assert(events.warnings().some((warning) => warning.includes(`${PEER} has filled its share`)));
  const inbox = await messaging.inbox();
  assertEquals(inbox.some(({ id }) => id === "b"), false);
  const answer = await messaging.clear(PEER, inbox[10]!.number);
  assertEquals(answer, { removed: 10 });
  assert(!events.warnings().some((warning) => warning.includes("filled its share")));
  assert(await receive(PEER, "b"), "the sender repeats it, and now there is room");
});
