/**
 * What a node keeps for others of a group, and what it says of the rest.
 */
import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";
import { readVector } from "../../../../modules/messaging/groups/core/vectors.ts";
import {
  bring,
  bringMessage,
  forgeMembership,
  forgeMessage,
  forgeStatement,
  hashOf,
  RUN,
} from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 2 ** 20;

/** What somebody says of a run that another one wrote. */
async function toldOf(world: GroupWorld, by: Person, to: Person, author: Person) {
  await world.deliver();
  by.messaging.hosted.host.confirmed(to.id);
  await by.messaging.world.parts.clock.advance(2_000);
  const bodies = by.messaging.world.sender.sent
    .filter(({ peer, header }) => peer === to.id && header.type === "messaging.group_vector")
    .map(({ body }) => readVector(body!));
  const entry = bodies.at(-1)!.find(({ id }) => id === author.id);
  return { held: entry?.held ?? [], never: entry?.never ?? [] };
}

/** As if so many bytes of somebody's were kept in a group, besides what is. */
async function keepMore(
  at: Person,
  { group, author, bytes, ageMs = 0 }: {
    readonly group: string;
    readonly author: Person;
    readonly bytes: number;
    readonly ageMs?: number;
  },
): Promise<void> {
  const { store, clock } = at.messaging.world.parts;
  await store.write(() => {
    store.statement(
      `INSERT INTO messaging_group_messages
         (conversation, hash, author, run, n, stm, shell, bytes, kept_at)
       VALUES (?, 'filling', ?, 'filling', 1, '', '', ?, ?)`,
    ).run(group, author.id, bytes, clock.nowMs() - ageMs);
  });
}

/** A member of three is away while the other two have what one of them wrote. */
async function whileAway(before: (world: GroupWorld, group: string) => Promise<void>) {
  const world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await before(world, group);
  await world.away(c);
  await b.send(group, "from b");
  await world.deliver();
  assertEquals(await a.texts(group), ["from b"], "for oneself it is kept in any case");
  await world.away(b);
  await world.back(c);
  await world.deliver();
  return { world, a, b, c, group };
}

Deno.test("a message is passed on for thirty days, and then never comes", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  await b.send(group, "from b");
  await world.deliver();
  await world.away(b);
  const { clock } = a.messaging.world.parts;
  clock.skip(30 * DAY_MS - 2 * HOUR_MS);
  await clock.advance(HOUR_MS);
  assertEquals(await toldOf(world, a, c, b), { held: [[1, 1]], never: [] });
  clock.skip(HOUR_MS);
  await clock.advance(HOUR_MS);
  assertEquals(await toldOf(world, a, c, b), { held: [], never: [[1, 1]] });
  await world.back(c);
  await world.deliver();
  assertEquals([await a.texts(group), await c.texts(group)], [["from b"], []]);
});

Deno.test("of one author 4 MiB a day are passed on", async () => {
  const full = await whileAway(async ({ people: [a, b] }, group) => {
    await keepMore(a, { group, author: b, bytes: 4 * MIB });
  });
  using _full = full.world;
  assertEquals(await full.c.texts(full.group), []);
  const since = await whileAway(async ({ people: [a, b] }, group) => {
    await keepMore(a, { group, author: b, bytes: 4 * MIB, ageMs: DAY_MS });
  });
  using _since = since.world;
  assertEquals(await since.c.texts(since.group), ["from b"]);
  const other = await whileAway(async ({ people: [a, , c] }, group) => {
    await keepMore(a, { group, author: c, bytes: 4 * MIB });
  });
  using _other = other.world;
  assertEquals(await other.c.texts(other.group), ["from b"]);
});

Deno.test("of one group 64 MiB are passed on, whoever wrote them and when", async () => {
  const full = await whileAway(async ({ people: [a, , c] }, group) => {
    await keepMore(a, { group, author: c, bytes: 64 * MIB, ageMs: 2 * DAY_MS });
  });
  using _full = full.world;
  assertEquals(await full.c.texts(full.group), []);
  const less = await whileAway(async ({ people: [a, , c] }, group) => {
    await keepMore(a, { group, author: c, bytes: 63 * MIB, ageMs: 2 * DAY_MS });
  });
  using _less = less.world;
  assertEquals(await less.c.texts(less.group), ["from b"]);
});

Deno.test("of those who are out at most 100 messages and 1 MiB are kept aside, and none is passed on", async () => {
  for (const [length, most] of [[20, 100], [20_000, 54]] as const) {
    using world = await GroupWorld.start(3);
    const [a, b, c] = world.people;
    const group = await world.group();
    await a.expel(group, c);
    await world.deliver();
    for (let n = 1; n <= 120; n++) {
      const prev = n === 1 ? {} : { prev: group };
      const late = await forgeMessage(c, group, { n, ...prev, text: "x".repeat(length) });
      assertEquals(await bringMessage(b, a, group, late), true);
    }
    const { database } = a.messaging.world.parts;
    const { count, bytes } = database.prepare(
      "SELECT COUNT(*) AS count, SUM(bytes) AS bytes FROM messaging_group_messages WHERE aside = 1",
    ).get()!;
    assert(Number(count) <= most && Number(count) >= most - 10, `${count} of ${length}`);
    assert(Number(bytes) <= MIB, `${bytes} bytes`);
    assertEquals(await toldOf(world, a, b, c), { held: [], never: [] });
  }
});

Deno.test("a message is with a member by that member's own word, and by nobody else's", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  const id = await a.send(group, "hello");
  await world.deliver();
  const { run, n } = (await a.history(group))[0]!;
  const vector = (runs: unknown) =>
    bring(b, a, {
      type: "group_vector",
      header: { group },
      body: encodeUtf8(JSON.stringify({ runs })),
    });
  assertEquals(await vector([{ id: a.id, run, held: [[1, 9]] }]), true);
  // What b read says nothing of c, and more than was written is not read.
  const read = { group, upto: { run, n: n! + 5 } };
  assertEquals(await bring(b, a, { type: "group_read", header: read }), true);
  assertEquals(await a.states(group, id, world.people), { b: "read", c: "waiting" });
  await a.send(group, "later");
  await world.deliver();
  const [, later] = await a.history(group);
  assertEquals(later!.state, { [b.id]: "delivered", [c.id]: "waiting" });
});

Deno.test("whom this node never meets says what they have by what they write", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.part(a, c);
  const lost = await a.send(group, "hello");
  const answered = await a.send(group, "are you there?");
  await world.deliver();
  assertEquals(await a.states(group, answered, world.people), { b: "delivered", c: "waiting" });
  await c.send(group, "yes");
  await world.deliver();
  assertEquals(await a.states(group, answered, world.people), { b: "delivered", c: "delivered" });
  assertEquals((await a.states(group, lost, world.people)).c, "waiting");
  await c.react(group, lost, "+");
  await a.restart();
  await world.back(a, b);
  await world.deliver();
  assertEquals((await a.states(group, lost, world.people)).c, "delivered");
});

Deno.test("that somebody reads or writes is said by nobody else", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await a.send(group, "hello");
  await world.deliver();
  await world.part(a, b);
  await b.ask("POST", "/read", { peer: group });
  await b.ask("POST", "/typing", { peer: group });
  await world.deliver();
  assertEquals([a.told("read"), a.told("typing")], [[], []]);
  assertEquals(c.told("typing").length, 1);
});

Deno.test("whoever comes later is given nothing of before, unless the owner said so", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group([a, b]);
  await a.send(group, "long ago");
  await b.send(group, "and this");
  await world.deliver();
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  await b.send(group, "from now on");
  await world.deliver();
  assertEquals(await c.texts(group), ["from now on"]);
  // Whoever asks for all of it is given no more.
  const vector = { runs: [{ id: c.id, run: RUN, held: [] }] };
  const asked = { header: { group }, body: encodeUtf8(JSON.stringify(vector)) };
  assertEquals(await bring(c, a, { type: "group_vector", ...asked }), true);
  await world.deliver();
  assertEquals(await c.texts(group), ["from now on"]);
});

Deno.test("a statement or a membership of one group is nothing in another", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const other = await world.group([a, b]);
  const texts = await Promise.all([
    forgeStatement(a, { group: other, n: 1, prev: other, add: [{ id: c.id }] }),
    forgeMembership(c, group),
  ]);
  assertEquals((await hashOf(a, texts[0]!)).length, 43);
  for (const [index, type] of ["group_statement", "group_member"].entries()) {
    const body = encodeUtf8(texts[index]!);
    const wrong = index === 0 ? group : other;
    assertEquals(await bring(a, b, { type, header: { group: wrong }, body }), "refused", type);
  }
  assertEquals(await b.members(other, world.people), ["a", "b"]);
});
