import { assertEquals } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../../crypto/encoding.ts";
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
  const pin = encodeBase64Url(await crypto.sha256(decodeNodeId(next.id)!));
  await store.setSelf(SELF_NAMES.next, pin);
  const record = await person.messaging.world.keys.record({ next: pin });
  for (const { messaging } of others) await messaging.world.book.take(record);
  return next;
}

/** The same node with the keys that followed. */
async function follow(person: Person, next: TestNodeKeys): Promise<Person> {
  const { parts, keys } = person.messaging.world;
  // What the disk is sealed with stays.
  Object.assign(next.keys, { storage: keys.keys.storage });
  await person.messaging.hosted.host.stop();
  await parts.store.setSelf(SELF_NAMES.succession, await next.succession(person.id));
  const messaging = await MessagingWorld.start({ parts, keys: next });
  await settle();
  return new Person(messaging, next.id, person.name);
}

Deno.test("who follows a member is the member, and what the former key signs from then on counts nowhere", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const next = await pinned(c, [a, b]);
  const group = await world.group();
  await c.send(group, "with the old key");
  await world.deliver();
  const follower = await follow(c, next);
  await world.replace(c, follower);
  await world.deliver();
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
