import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { GroupWorld } from "./group_world.ts";

Deno.test("a group is founded, its people accept, and everybody has what each writes", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const { group } = await a.create("friends", [b, c]);
  await world.deliver();
  assertEquals((await b.groups()).map(({ name, stage }) => [name, stage]), [[
    "friends",
    "invited",
  ]]);
  await b.accept(group);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  for (const person of world.people) {
    assertEquals(await person.members(group, world.people), ["a", "b", "c"]);
  }
  const id = await a.send(group, "hello");
  await world.deliver();
  await b.send(group, "hi", { reply_to: id });
  await world.deliver();
  for (const person of world.people) assertEquals(await person.texts(group), ["hello", "hi"]);
  assertEquals(await a.states(group, id, world.people), { b: "delivered", c: "delivered" });
  for (const part of ["friends", group.slice(0, 8), `${group.slice(0, 9)}…${group.slice(-5)}`]) {
    assertEquals((await a.show(part)).group, group);
  }
  for (const part of [group.slice(0, 7), `${group.slice(0, 9)}…----`]) {
    await assertRejects(() => a.show(part), OpenRedError, "no such group");
  }
});
