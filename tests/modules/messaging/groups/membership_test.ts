import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { bring, forgeStatement, hashOf } from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

function codeOf(work: Promise<unknown>): Promise<string> {
  return assertRejects(() => work, OpenRedError).then(({ code }) => code);
}

async function stages(people: readonly Person[], group: string): Promise<string[]> {
  const found = await Promise.all(people.map((person) => person.groups()));
  return found.map((groups) => groups.find((one) => one.group === group)?.stage ?? "none");
}

Deno.test("nobody is in a group without having accepted: nothing is given to, or taken from, who was invited", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const { group } = await a.create("friends", [b, c]);
  await world.deliver();
  await b.accept(group);
  await world.deliver();
  await a.send(group, "for members");
  await world.deliver();
  assertEquals(await stages(world.people, group), ["joined", "joined", "invited"]);
  assertEquals(await b.texts(group), ["for members"]);
  assertEquals(await c.texts(group), []);
  assertEquals(await codeOf(c.send(group, "me too")), "forbidden");
  await c.decline(group);
  await world.deliver();
  assertEquals(await stages([c], group), ["declined"]);
  // What the owner states afterwards is no new invitation.
  await a.ask("POST", "/groups/change", { group, name: "good friends" });
  await world.deliver();
  assertEquals(await stages([c], group), ["declined"]);
  await a.expel(group, c);
  await a.invite(group, c);
  await world.deliver();
  assertEquals(await stages([c], group), ["invited"]);
  await c.accept(group);
  await world.deliver();
  assertEquals(await c.members(group, world.people), ["a", "b", "c"]);
});

Deno.test("whoever comes later is given what was written before where the owner has said so", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const open = await world.group([a, b], { history: true });
  await a.send(open, "long ago");
  await world.deliver();
  await a.invite(open, c);
  await world.deliver();
  await c.accept(open);
  await world.deliver();
  assertEquals(await c.texts(open), ["long ago"]);
});

Deno.test("who leaves is out for all, keeps what came, and can be invited again", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await c.send(group, "good bye");
  await world.deliver();
  assertEquals(await codeOf(a.leave(group)), "bad_request");
  await c.leave(group);
  await world.deliver();
  assertEquals(await stages(world.people, group), ["joined", "joined", "left"]);
  await a.send(group, "without c");
  await world.deliver();
  assertEquals(await a.members(group, world.people), ["a", "b"]);
  assertEquals(await b.members(group, world.people), ["a", "b"]);
  assertEquals(await b.texts(group), ["good bye", "without c"]);
  assertEquals(await c.texts(group), ["good bye"]);
  assertEquals(await codeOf(c.send(group, "still here")), "forbidden");
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  await c.send(group, "again");
  await world.deliver();
  assertEquals(await b.texts(group), ["good bye", "without c", "again"]);
});

Deno.test("what somebody writes after their removal is kept aside by all and passed on by none", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group();
  await c.send(group, "before");
  await world.deliver();
  await world.away(a);
  await a.expel(group, c);
  await c.send(group, "after");
  await world.deliver();
  for (const person of [b, d]) assertEquals(await person.texts(group), ["before", "after"]);
  await world.part(a, c);
  await world.back(a);
  await world.deliver();
  assertEquals(await a.members(group, world.people), ["a", "b", "d"]);
  assertEquals(await b.members(group, world.people), ["a", "b", "d"]);
  for (const person of [a, b, d]) assertEquals(await person.texts(group), ["before"]);
  await world.join(a, c);
  await world.deliver();
  assertEquals(await stages([c], group), ["removed"]);
});

Deno.test("two who came in while they were apart find each other without the owner", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  await world.part(b, c);
  const { group } = await a.create("Choir", [b, c]);
  await world.deliver();
  await world.away(a);
  for (const person of [b, c]) await person.accept(group);
  await world.deliver();
  await world.join(b, c);
  await world.deliver();
  for (const person of [b, c]) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
  }
});

Deno.test("who has left, and heard no statement since, can be added again", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a);
  await b.leave(group);
  await world.deliver();
  await a.ask("POST", "/groups/change", { group, name: "Ensemble" });
  await a.restart();
  await world.part(a, c);
  await world.back(a);
  await world.deliver();
  await world.join(a, c);
  await world.deliver();
  await a.invite(group, b);
  await world.deliver();
  assertEquals((await b.show(group)).stage, "invited");
  await b.accept(group);
  await world.deliver();
  for (const person of [a, c]) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
  }
});

Deno.test("a group is handed over, and only its new owner can change it", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  assertEquals(await codeOf(b.handOver(group, c)), "forbidden");
  await a.handOver(group, b);
  await world.deliver();
  assertEquals(await codeOf(a.expel(group, c)), "forbidden");
  await b.expel(group, c);
  await world.deliver();
  assertEquals((await a.show(group)).owner, b.id);
  assertEquals(await a.members(group, world.people), ["a", "b"]);
  await a.leave(group);
  await world.deliver();
  assertEquals(await b.members(group, world.people), ["b"]);
});

Deno.test("without its owner a group goes on, and the same people can found it anew", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a);
  await b.send(group, "alone");
  await world.deliver();
  assertEquals(await c.texts(group), ["alone"]);
  const { group: anew } = await b.ask<{ group: string }>("POST", "/groups/refound", {
    group,
    name: "survivors",
  });
  await world.deliver();
  assertEquals((await c.show(anew)).stage, "invited");
  await c.accept(anew);
  await world.deliver();
  assertEquals(await b.members(anew, world.people), ["b", "c"]);
});

Deno.test("groups that strangers bring are invitations at most, and few of them are kept", async () => {
  using world = await GroupWorld.start(2, { friends: false });
  const [a, b] = world.people;
  for (const name of ["one", "two", "three", "four"]) await a.create(name, [b]);
  await world.deliver();
  assertEquals((await b.groups()).map(({ stage }) => stage), ["invited", "invited"]);
  const { group } = (await b.groups())[0]!;
  await b.accept(group);
  await world.deliver();
  await a.send(group, "let in");
  await world.deliver();
  assertEquals(await b.texts(group), ["let in"]);
  // Membership opens nothing but the group.
  await a.ask("POST", "/messages", { peer: b.id, text: "as a friend", wait_ms: 0 });
  await world.deliver();
  assertEquals(
    (await b.ask<{ messages: { standing: string }[] }>("GET", "/inbox")).messages
      .map(({ standing }) => standing),
    ["allowed", "stranger"],
  );
  await b.messaging.world.parts.permissions.block(a.id);
  await a.send(group, "blocked");
  await world.deliver();
  assertEquals(await b.texts(group), ["let in"]);
});

Deno.test("a friend whose invitations were declined may go on inviting, and the oldest of those are forgotten", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const written = await world.group();
  await a.send(written, "stays");
  await world.deliver();
  await a.expel(written, b);
  await world.deliver();
  const { store, clock } = b.messaging.world.parts;
  await store.write(() => {
    for (let number = 0; number < 40; number++) {
      store.statement(
        `INSERT INTO messaging_groups
           (conversation, stage, inviter, of_stranger, introduces, since, decided)
         VALUES (?, 'declined', ?, 0, 0, ?, 0)`,
      ).run(`declined ${number}`, a.id, clock.nowMs() + number);
    }
  });
  const { group } = await a.create("one more", [b]);
  await world.deliver();
  assertEquals((await b.show(group)).stage, "invited");
  const held = store.statement("SELECT conversation FROM messaging_groups WHERE stage = 'declined'")
    .all().map(({ conversation }) => String(conversation));
  assertEquals(held.length, 32);
  assertEquals([held.includes("declined 7"), held.includes("declined 8")], [false, true]);
  assertEquals(await b.texts(written), ["stays"]);
  assertEquals((await b.show(written)).stage, "removed");
});

Deno.test("of a group that nobody here has accepted no more is kept than an invitation needs", async () => {
  using world = await GroupWorld.start(2, { friends: false });
  const [a, b] = world.people;
  const first = await forgeStatement(a, {
    n: 0,
    nonce: encodeBase64Url(new Uint8Array(16)),
    add: [{ id: a.id }, { id: b.id }],
  });
  const group = await hashOf(a, first);
  const taken: unknown[] = [];
  for (let n = 0, prev = ""; n < 20; n++) {
    const text = n === 0
      ? first
      : await forgeStatement(a, { group, n, prev, name: "x", more: "x".repeat(20_000) });
    prev = await hashOf(a, text);
    const frame = { type: "group_statement", header: { group }, body: encodeUtf8(text) };
    taken.push(await bring(a, b, frame));
  }
  assertEquals((await b.show(group)).stage, "invited");
  assertEquals(taken, [...Array(10).fill(true), ...Array(10).fill("refused")]);
});

Deno.test("members whom nobody here knows are reached through others, and directly only if the owner says so", async () => {
  using world = await GroupWorld.start(3, { friends: false });
  const [a, b, c] = world.people;
  for (const person of [b, c]) {
    await a.messaging.world.parts.permissions.accept(person.id);
    await person.messaging.world.parts.permissions.accept(a.id);
  }
  await world.part(b, c);
  const group = await world.group();
  await b.send(group, "by way of a");
  await world.deliver();
  assertEquals(await c.texts(group), ["by way of a"]);
  const { wanted } = b.messaging.world.sender;
  assertEquals(wanted.filter((id) => id === c.id), []);
});

Deno.test("who was away when they were removed hears of it from whomever they meet", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  await a.expel(group, c);
  await world.deliver();
  await a.restart();
  await world.away(a);
  await world.back(c);
  await world.deliver();
  assertEquals(await stages([b, c], group), ["joined", "removed"]);
});

Deno.test("a block takes the invitations of that peer away", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  await a.create("friends", [b]);
  await world.deliver();
  assertEquals((await b.groups()).length, 1);
  const { parts } = b.messaging.world;
  await parts.store.write(() => b.messaging.hosted.host.writeForget(a.id));
  assertEquals(await b.groups(), []);
});

Deno.test("a removal that comes to count no more gives back what it took away", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const id = await c.send(group, "on the record");
  await world.deliver();
  await world.away(a);
  await c.remove(group, id);
  await world.deliver();
  assertEquals(await b.texts(group), [""]);
  await a.expel(group, c);
  await world.part(a, c);
  await world.back(a);
  await world.deliver();
  for (const person of [a, b]) assertEquals(await person.texts(group), ["on the record"]);
});
