import { assertEquals } from "@std/assert";
import { GroupWorld } from "./group_world.ts";

Deno.test("two members that are never there together exchange everything through a third", async () => {
  using world = await GroupWorld.start(3);
  const [a, , c] = world.people;
  const group = await world.group();
  await world.part(a, c);
  const sent: string[] = [];
  for (let round = 0; round < 3; round++) {
    await a.send(group, `a${round}`);
    await world.deliver();
    await c.send(group, `c${round}`);
    await world.deliver();
    sent.push(`a${round}`, `c${round}`);
  }
  const last = await a.send(group, "nobody answers");
  await world.deliver();
  const texts = [...sent, "nobody answers"];
  for (const person of world.people) assertEquals(await person.texts(group), texts);
  assertEquals(await a.states(group, last, world.people), { b: "delivered", c: "waiting" });
  await world.join(a, c);
  await world.deliver();
  assertEquals(await a.states(group, last, world.people), { b: "delivered", c: "delivered" });
});

Deno.test("who was away for long catches up with all of it, after a restart too", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  for (let index = 0; index < 150; index++) await a.send(group, `message ${index}`);
  await world.deliver();
  await world.away(a);
  await b.restart();
  await world.back(c);
  await c.restart();
  await world.connectAll();
  await world.deliver();
  assertEquals((await c.texts(group)).length, 150);
  assertEquals(await c.texts(group), await b.texts(group));
});

Deno.test("what waits for somebody is shown, survives a restart and goes when they are there", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(b, c);
  const id = await a.send(group, "later");
  await world.deliver();
  assertEquals((await a.waiting()).map(({ id, group }) => [id, group]), [[id, "friends"]]);
  await a.restart();
  assertEquals((await a.waiting()).length, 1);
  assertEquals(await a.states(group, id, world.people), { b: "waiting", c: "waiting" });
  await world.back(b);
  await world.deliver();
  assertEquals(await a.states(group, id, world.people), { b: "delivered", c: "waiting" });
  await world.back(c);
  await world.deliver();
  assertEquals(await a.waiting(), []);
});

Deno.test("a statement that nobody brought yet is asked for, whatever came before it", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group([a, b, c]);
  await world.away(c);
  await a.invite(group, d);
  await world.deliver();
  await d.accept(group);
  await world.deliver();
  await d.send(group, "hello all");
  await world.deliver();
  await world.away(a, d);
  await world.back(c);
  await world.deliver();
  assertEquals(await b.texts(group), ["hello all"]);
  assertEquals(await c.texts(group), ["hello all"]);
  assertEquals(await c.members(group, world.people), ["a", "b", "c", "d"]);
});

Deno.test("who was added while somebody was away brings them the statements that say so", async () => {
  using world = await GroupWorld.start(3, { friends: false });
  const [a, b, c] = world.people;
  for (const person of [b, c]) {
    await a.messaging.world.parts.permissions.accept(person.id);
    await person.messaging.world.parts.permissions.accept(a.id);
  }
  const group = await world.group([a, b]);
  await world.away(b);
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  await c.send(group, "I am new");
  await world.away(a);
  await world.back(b);
  await world.deliver();
  assertEquals(await b.members(group, world.people), ["a", "b", "c"]);
  assertEquals(await b.texts(group), ["I am new"]);
});
