import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeNodeId, encodeUtf8 } from "../../../../crypto/encoding.ts";
import { readVector } from "../../../../modules/messaging/groups/core/vectors.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import {
  alter,
  bring,
  bringMessage,
  forgeMessage,
  forgeStatement,
  hashOf,
  RUN,
} from "./forging.ts";
import { GroupWorld } from "./group_world.ts";

Deno.test("a forwarder cannot change type, statement, time, target, text or salt of a message, nor its group", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const other = (await a.create("others", [b, c])).group;
  await world.deliver();
  for (const person of [b, c]) await person.accept(other);
  await world.deliver();
  const forged = await forgeMessage(a, group, { text: "as it was" });
  const changes = [
    { type: "remove", removes: { run: RUN, n: 1 } },
    { stm: other },
    { sent_at: 1 },
    { group: other },
    { n: 2, prev: group },
    { to: group },
    { iss: b.id },
  ];
  for (const change of changes) {
    const altered = { ...forged, message: alter(forged.message, change) };
    assertEquals(await bringMessage(b, c, group, altered), "refused", JSON.stringify(change));
    assertEquals(await bringMessage(b, c, other, altered), "refused", JSON.stringify(change));
  }
  const salt = encodeBase64Url(new Uint8Array(16));
  const body = encodeUtf8("as it was not");
  assertEquals(await bringMessage(b, c, group, { ...forged, salt }), "refused");
  assertEquals(await bringMessage(b, c, group, { ...forged, body }), "refused");
  assertEquals(await bringMessage(b, c, other, forged), "refused");
  assertEquals([await c.texts(group), await c.texts(other)], [[], []]);
  // Left out altogether it is waited for.
  const shell = { type: "group_message", header: { group, message: forged.message } };
  assertEquals(await bring(b, c, shell), false);
  assertEquals(await bringMessage(b, c, group, forged), true);
  assertEquals(await c.texts(group), ["as it was"]);
});

Deno.test("two messages under one number are both shown everywhere, and a third is not", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  const stories = await Promise.all(
    ["one", "two", "three"].map((text) => forgeMessage(a, group, { text })),
  );
  const hashes = await Promise.all(stories.map(({ message }) => hashOf(a, message)));
  const [least, middle, most] = hashes.map((hash, index) => ({ hash, story: stories[index]! }))
    .sort((x, y) => x.hash < y.hash ? -1 : 1);
  const next = await forgeMessage(a, group, { n: 2, prev: middle!.hash, text: "next" });
  for (const story of [least!.story, middle!.story, most!.story, next]) {
    assertEquals(await bringMessage(a, b, group, story), true);
  }
  for (const story of [most!.story, middle!.story, next, least!.story]) {
    assertEquals(await bringMessage(a, c, group, story), true);
  }
  const shown = await b.history(group);
  assertEquals(shown.map(({ id }) => id).slice(0, 2).sort(), [least!.hash, middle!.hash]);
  assertEquals(shown.map(({ text }) => text).at(-1), "next");
  assertEquals((await c.history(group)).map(({ id }) => id), shown.map(({ id }) => id));
  assertEquals(shown.map((message) => message.two_stories ?? false), [true, true, false]);
});

Deno.test("whoever has two messages under one number gives both to all", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group();
  await world.away(a);
  const [one, other] = [
    await forgeMessage(a, group, { text: "yes" }),
    await forgeMessage(a, group, { text: "no" }),
  ];
  assertEquals(await bringMessage(a, b, group, one), true);
  await world.deliver();
  assertEquals(await bringMessage(a, c, group, other), true);
  await world.deliver();
  for (const person of [b, c, d]) {
    assertEquals((await person.texts(group)).toSorted(), ["no", "yes"]);
  }
});

Deno.test("members who have different messages under one number find it out when they meet", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  const one = await forgeMessage(a, group, { text: "yes" });
  const other = await forgeMessage(a, group, { text: "no" });
  assertEquals(await bringMessage(a, b, group, one), true);
  assertEquals(await bringMessage(a, c, group, other), true);
  await world.back(b, c);
  await world.deliver();
  for (const person of [b, c]) {
    assertEquals((await person.texts(group)).toSorted(), ["no", "yes"]);
  }
});

Deno.test("of two messages under one number the one that counts is given on, where the other counts no more", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group([a, b, c], { history: true });
  await world.away(c);
  for (const text of ["yes", "no"]) {
    assertEquals(await bringMessage(c, a, group, await forgeMessage(c, group, { text })), true);
  }
  await world.deliver();
  assertEquals((await b.texts(group)).length, 2);
  await a.expel(group, c);
  await world.deliver();
  const [counting] = await a.texts(group);
  await a.invite(group, d);
  await world.deliver();
  await d.accept(group);
  await world.deliver();
  assertEquals([await b.texts(group), await d.texts(group)], [[counting], [counting]]);
});

Deno.test("nothing of a blocked author comes through others, and others are not asked for it", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await c.messaging.world.parts.permissions.block(a.id);
  await world.part(a, c);
  for (let index = 0; index < 5; index++) await a.send(group, `spam ${index}`);
  await b.send(group, "fine");
  await world.deliver();
  assertEquals(await c.texts(group), ["fine"]);
  await world.back(c);
  await world.deliver();
  assertEquals(await c.texts(group), ["fine"]);
  const brought = world.takeAll().filter(({ header }) => header.type === "messaging.group_message");
  assertEquals(brought, []);
});

Deno.test("of blocked authors no more runs are remembered than members have, and none of whoever is no member", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group([a, b, c]);
  for (const blocked of [a, d]) {
    await c.messaging.world.parts.permissions.block(blocked.id);
    for (let run = 0; run < 30; run++) {
      const of = { run: encodeBase64Url(new Uint8Array(8).fill(run)) };
      const message = await forgeMessage(blocked, group, of);
      assertEquals(await bringMessage(b, c, group, message), true);
    }
  }
  c.messaging.hosted.host.confirmed(b.id);
  await world.pause();
  const told = c.messaging.world.sender.sent
    .findLast(({ peer, header }) => peer === b.id && header.type === "messaging.group_vector");
  const authors = readVector(told!.body!).map(({ id }) => id);
  assertEquals(authors, Array(24).fill(a.id));
});

Deno.test("an owner who tells two stories is found out by all, and the same one stands everywhere", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a);
  const texts = await Promise.all(
    ["this way", "that way"].map((name) => forgeStatement(a, { group, n: 1, prev: group, name })),
  );
  const hashes = await Promise.all(texts.map((text) => hashOf(a, text)));
  const tell = (to: typeof b, text: string) =>
    bring(a, to, { type: "group_statement", header: { group }, body: encodeUtf8(text) });
  assertEquals([await tell(b, texts[0]!), await tell(c, texts[1]!)], [true, true]);
  await world.deliver();
  const name = hashes[0]! < hashes[1]! ? "this way" : "that way";
  for (const person of [b, c]) {
    const view = await person.show(group);
    assertEquals([view.name, view.two_stories], [name, true]);
    assertEquals(person.told("group_split").length, 1);
  }
});

Deno.test("what somebody wrote whom only a story that fell had added counts nowhere, also once they are added again", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group([a, b]);
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await c.send(group, "under the first story");
  await world.deliver();
  assertEquals(await b.texts(group), ["under the first story"]);
  const { hash: former } = a.messaging.world.parts.database
    .prepare("SELECT hash FROM messaging_group_statements WHERE kind = 'statement' AND n = 1")
    .get()!;
  let other = "";
  for (let of = 0; other === "" || await hashOf(a, other) > String(former); of++) {
    other = await forgeStatement(a, { group, n: 1, prev: group, name: `story ${of}` });
  }
  const story = { type: "group_statement", header: { group }, body: encodeUtf8(other) };
  assertEquals(await bring(a, b, story), true);
  await world.deliver();
  for (const person of [a, b]) assertEquals(await person.texts(group), []);
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await c.send(group, "under the second one");
  await world.deliver();
  for (const person of [a, b, c]) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
    assertEquals(await person.texts(group), ["under the second one"]);
  }
});

Deno.test("what a removed one writes under an old statement counts nowhere", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await a.expel(group, c);
  await world.deliver();
  const late = await forgeMessage(c, group, { text: "as if before" });
  // Somebody who is still in it brings it.
  assertEquals(await bringMessage(b, a, group, late), true);
  assertEquals(await a.texts(group), []);
  for (let n = 2; n < 150; n++) {
    const more = await forgeMessage(c, group, { n, prev: group, text: "x".repeat(20_000) });
    assertEquals(await bringMessage(b, a, group, more), true);
  }
  const { database } = a.messaging.world.parts;
  const kept = database.prepare(
    "SELECT COUNT(*) AS count, SUM(bytes) AS bytes FROM messaging_group_messages WHERE aside = 1",
  ).get()!;
  assert(Number(kept.count) <= 100 && Number(kept.bytes) <= 2 ** 20, JSON.stringify(kept));
  await world.deliver();
  assertEquals(await b.texts(group), []);
  // Of themselves nothing is taken at all.
  assertEquals(await bringMessage(c, a, group, late), "refused");
});

Deno.test("numbers far ahead, runs without end and vectors without end are refused, and cost little", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const far = await forgeMessage(a, group, { n: 10_001, prev: group });
  assertEquals(await bringMessage(a, b, group, far), "refused");
  const near = await forgeMessage(a, group, { n: 10_000, prev: group });
  assertEquals(await bringMessage(a, b, group, near), true);
  const results: (boolean | string)[] = [];
  for (let index = 0; index < 40; index++) {
    const run = encodeBase64Url(new Uint8Array(8).fill(100 + index));
    results.push(await bringMessage(a, b, group, await forgeMessage(a, group, { run })));
  }
  assertEquals(results.filter((result) => result === true).length, 23);
  const vector = (runs: unknown) =>
    bring(a, b, {
      type: "group_vector",
      header: { group },
      body: encodeUtf8(JSON.stringify({ runs })),
    });
  const ranges = Array.from({ length: 65 }, (_, index) => [index * 3 + 1, index * 3 + 1]);
  assertEquals(await vector([{ id: a.id, run: RUN, held: ranges }]), "refused");
  assertEquals(await vector([{ id: a.id, run: RUN, held: [[5, 4]] }]), "refused");
  assertEquals(await vector("x".repeat(2 ** 20)), "refused");
  const { sender } = b.messaging.world;
  sender.sent.length = 0;
  for (let index = 0; index < 300; index++) {
    await vector([{ id: a.id, run: RUN, held: [[1, 9_999]] }]);
  }
  // Each asks for an answer: one is enough, and what is given besides is given once.
  const answers = sender.sent.filter(({ header }) => header.type === "messaging.group_vector");
  assert(answers.length <= 1, `${answers.length} answers`);
  assertEquals(sender.sent.length - answers.length, 24);
});

Deno.test("254 strangers in a group cost nobody who is in it a call", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const { crypto } = a.messaging.world.parts;
  const strangers = await Promise.all(Array.from({ length: 254 }, async (_, index) => {
    return encodeNodeId(await crypto.sha256(encodeUtf8(`${index}`)));
  }));
  await assertRejects(
    () => a.ask("POST", "/groups", { name: "crowd", members: strangers }),
    OpenRedError,
    "at most 64",
  );
  const first = await forgeStatement(a, {
    n: 0,
    nonce: encodeBase64Url(new Uint8Array(16)),
    name: "crowd",
    add: [a.id, b.id, ...strangers].map((id) => ({ id })),
  });
  const group = await hashOf(a, first);
  const frame = { type: "group_statement", header: { group }, body: encodeUtf8(first) };
  assertEquals(await bring(a, b, frame), true);
  await world.deliver();
  await b.accept(group);
  await b.send(group, "hello");
  await world.deliver();
  assertEquals(b.messaging.world.sender.wanted, []);
  assertEquals(b.messaging.world.sender.sent.length, 0);
});

Deno.test("a restored backup writes in a new run, and is branded by nobody", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await a.send(group, "one");
  await world.deliver();
  const { database, store } = a.messaging.world.parts;
  // What was sent after the backup is not known any more.
  const lost = database.prepare("SELECT next_n FROM messaging_conversations").get();
  assertEquals(lost!.next_n, 2);
  await a.send(group, "two");
  await world.deliver();
  database.exec(`
    DELETE FROM messaging_group_messages WHERE n = 2;
    DELETE FROM messaging_outbox WHERE n = 2;
    UPDATE messaging_conversations SET next_n = 2;`);
  await store.setSelf("restored", "1790000000001");
  await a.restart();
  await world.connectAll();
  await world.deliver();
  await a.send(group, "three");
  await world.deliver();
  for (const person of [a, b, c]) {
    assertEquals((await person.texts(group)).toSorted(), ["one", "three", "two"]);
  }
  const runs = new Set((await b.history(group)).map(({ run }) => run));
  assertEquals(runs.size, 2);
});
