import { assertEquals } from "@std/assert";
import { GroupWorld } from "./group_world.ts";

Deno.test("who was set back to before they came in is in by their own word, though they know of nobody who is", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const { group } = await a.create("friends", [b]);
  await world.deliver();
  await world.away(b);
  await a.invite(group, c);
  await world.part(b, c);
  await world.deliver();
  const before = c.backup();
  await world.back(b);
  await b.accept(group);
  await c.accept(group);
  await world.deliver();
  await world.away(a);
  await c.restore(before);
  assertEquals((await c.show(group)).stage, "invited");
  await world.join(b, c);
  const id = await b.send(group, "you are in");
  await world.deliver();
  assertEquals((await c.show(group)).stage, "joined");
  assertEquals(await c.texts(group), ["you are in"]);
  assertEquals(await b.states(group, id, world.people), { a: "waiting", c: "delivered" });
});

Deno.test("who was invited and was set back to before is invited again in the next session", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const before = b.backup();
  const { group } = await a.create("friends", [b]);
  await world.deliver();
  await b.restore(before);
  assertEquals(await b.groups(), []);
  await world.connectAll([b]);
  await world.deliver();
  assertEquals((await b.show(group)).stage, "invited");
});

Deno.test("whoever does not know a group any more is given all of it once a statement shows that", async () => {
  for (const isIn of [false, true]) {
    using world = await GroupWorld.start(2);
    const [a, b] = world.people;
    const before = b.backup();
    const { group } = await a.create("friends", [b]);
    await world.deliver();
    if (isIn) await b.accept(group);
    await world.deliver();
    await b.restore(before);
    await a.ask("POST", "/groups/change", { group, name: "good friends" });
    await world.deliver();
    const { stage, name } = await b.show(group);
    assertEquals([stage, name], [isIn ? "joined" : "invited", "good friends"]);
  }
});

Deno.test("who had left, or declined, when the backup was made is in where they came in after it", async () => {
  for (const isDeclined of [false, true]) {
    using world = await GroupWorld.start(3);
    const [a, b, c] = world.people;
    const { group } = await a.create("friends", [b, c]);
    await world.deliver();
    await b.accept(group);
    if (isDeclined) await c.decline(group);
    else await c.accept(group);
    await world.deliver();
    if (!isDeclined) await c.leave(group);
    await world.deliver();
    const before = c.backup();
    if (!isDeclined) await a.invite(group, c);
    await world.deliver();
    await c.accept(group);
    await world.deliver();
    await world.away(a);
    await c.restore(before);
    assertEquals((await c.show(group)).stage, isDeclined ? "declined" : "left");
    await world.connectAll([c]);
    await b.send(group, "you are in");
    await world.deliver();
    assertEquals((await c.show(group)).stage, "joined");
    assertEquals(await c.texts(group), ["you are in"]);
  }
});
