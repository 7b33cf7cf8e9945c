import { assertEquals } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../../crypto/encoding.ts";
import { successionsOf } from "../../../../peer/own/own_succession.ts";
import { SELF_NAMES } from "../../../../peer/own/self_names.ts";
import { TestNodeKeys } from "../../../peer/test_node_keys.ts";
import { settle } from "../../../world/settle.ts";
import { MessagingWorld } from "../messaging_world.ts";
import { bringMessage, forgeMessage } from "./forging.ts";
import { GroupWorld, Person } from "./group_world.ts";

/** The keys that may follow those of a person, as the others know it. */
async function pinned(person: Person, others: readonly Person[]): Promise<TestNodeKeys> {
  const { crypto, store } = person.messaging.world.parts;
  const next = await TestNodeKeys.create(crypto);
  const pin = await pinOf(next);
  await store.setSelf(SELF_NAMES.next, pin);
  const record = await person.messaging.world.keys.record({ next: pin });
  for (const { messaging } of others) await messaging.world.book.take(record);
  return next;
}

async function pinOf({ crypto, id }: TestNodeKeys): Promise<string> {
  return encodeBase64Url(await crypto.sha256(decodeNodeId(id)!));
}

/** The same node with the keys that followed. */
async function follow(person: Person, next: TestNodeKeys, more = {}): Promise<Person> {
  const { parts, keys } = person.messaging.world;
  // What the disk is sealed with stays.
  Object.assign(next.keys, { storage: keys.keys.storage });
  await person.messaging.hosted.host.stop();
  const former = JSON.stringify(successionsOf(parts.store));
  await parts.store.setSelf(SELF_NAMES.formerSuccessions, former);
  await parts.store.setSelf(SELF_NAMES.succession, await next.succession(person.id, more));
  const messaging = await MessagingWorld.start({ parts, keys: next });
  await settle();
  return new Person(messaging, next.id, person.name);
}

/** Whoever follows a person as the last of several. @param met Called with each and the one before. */
async function followOften(
  person: Person,
  { times, first, met }: {
    readonly times: number;
    readonly first: TestNodeKeys;
    readonly met: (former: Person, next: Person) => Promise<void>;
  },
): Promise<Person> {
  let last = person;
  let next = first;
  for (let time = 0; time < times; time++) {
    const after = await TestNodeKeys.create(next.crypto);
    const follower = await follow(last, next, { next: await pinOf(after) });
    await met(last, follower);
    [last, next] = [follower, after];
  }
  return last;
}

Deno.test("who follows a member is the member, and what the former key signs from then on counts nowhere", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const next = await pinned(c, [a, b]);
  const group = await world.group();
  const former = await c.send(group, "with the old key");
  await world.deliver();
  const follower = await follow(c, next);
  await world.replace(c, follower);
  await world.deliver();
  const states = { a: "delivered", b: "delivered" } as const;
  assertEquals(await follower.states(group, former, world.people), states);
  await follower.restart();
  assertEquals(await follower.states(group, former, world.people), states);
  await world.connectAll([follower]);
  await follower.send(group, "with the new key");
  await world.deliver();
  await a.send(group, "welcome");
  await world.deliver();
  for (const person of world.people) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
    assertEquals(await person.texts(group), ["with the old key", "with the new key", "welcome"]);
  }
});

Deno.test("who follows the owner owns the group", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const next = await pinned(a, [b, c]);
  const group = await world.group();
  const follower = await follow(a, next);
  await world.replace(a, follower);
  await world.deliver();
  await follower.expel(group, c);
  await world.deliver();
  for (const person of [follower, b]) {
    assertEquals(await person.members(group, world.people), ["a", "b"]);
    assertEquals((await person.show(group)).owner, follower.id);
  }
});

Deno.test("a member whose two keys wrote in one run can be removed", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const next = await pinned(c, [a, b]);
  const group = await world.group();
  await c.send(group, "with the old key");
  await world.deliver();
  const { run } = (await a.history(group))[0]!;
  const follower = await follow(c, next);
  await world.replace(c, follower);
  await world.deliver();
  await bringMessage(
    follower,
    a,
    group,
    await forgeMessage(follower, group, { run, text: "again" }),
  );
  await a.expel(group, follower);
  await world.deliver();
  for (const person of [a, b]) {
    assertEquals(await person.members(group, world.people), ["a", "b"]);
  }
});

Deno.test("a member and an owner who were followed three times in a row stay what they were", async () => {
  using world = await GroupWorld.start(3);
  const [a0, b0, c0] = world.people;
  const firsts = [await pinned(a0, [b0, c0]), null, await pinned(c0, [a0, b0])] as const;
  const group = await world.group();
  for (const at of [2, 0] as const) {
    const last = await followOften(world.people[at], {
      times: 3,
      first: firsts[at],
      met: async (former, next) => {
        await world.replace(former, next);
        await world.deliver();
      },
    });
    await last.send(group, `the third after ${last.name}`);
    await world.deliver();
  }
  const [a, b, c] = world.people;
  for (const person of world.people) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
    assertEquals(await person.texts(group), ["the third after c", "the third after a"]);
  }
  await a.expel(group, c);
  await world.deliver();
  assertEquals(await b.members(group, world.people), ["a", "b"]);
  assertEquals((await b.show(group)).owner, a.id);
});

Deno.test("whoever missed all successions of a member learns of them by the group", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const first = await pinned(c, [a, b]);
  const group = await world.group();
  await world.away(c);
  const last = await followOften(c, { times: 3, first, met: () => Promise.resolve() });
  await world.replace(c, last, { isTold: false });
  await world.part(a, b);
  await world.deliver();
  await last.send(group, "after three");
  await world.deliver();
  for (const person of [a, b]) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
    assertEquals(await person.texts(group), ["after three"]);
  }
});

Deno.test("a block holds for whoever follows the blocked one in a group", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const first = await pinned(c, [a, b]);
  const group = await world.group();
  await a.messaging.world.parts.permissions.block(c.id);
  const last = await followOften(c, { times: 1, first, met: () => Promise.resolve() });
  await world.replace(c, last, { isTold: false });
  await world.deliver();
  await last.send(group, "to whoever listens");
  await world.deliver();
  assertEquals(await b.texts(group), ["to whoever listens"]);
  assertEquals(await a.texts(group), []);
});
