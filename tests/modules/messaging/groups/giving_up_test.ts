import { assert, assertEquals } from "@std/assert";
import { settle } from "../../../world/settle.ts";
import { GroupWorld } from "./group_world.ts";

const HOUR_MS = 3_600_000;
const DAYS_MS = 24 * HOUR_MS * 30;

Deno.test("a message of a group is given up after the span that the operator set, where somebody took it not", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const id = await a.send(group, "for both");
  await world.deliver();
  await world.away(c);
  const late = await a.send(group, "for b by now");
  await world.deliver();
  const { clock, events } = a.messaging.world.parts;
  clock.skip(DAYS_MS);
  await clock.advance(HOUR_MS);
  assertEquals((await a.states(group, late, world.people)).c, "waiting", "nothing was set");
  await a.messaging.hosted.host.setOption("messaging", "give_up_days", 30);
  await settle();
  await clock.advance(HOUR_MS);
  assertEquals(await a.states(group, id, world.people), { b: "delivered", c: "delivered" });
  assertEquals(await a.states(group, late, world.people), { b: "delivered", c: "given_up" });
  assert(events.warnings().some((text) => text.includes(`1 message(s) to the group ${group}`)));
  assertEquals([a.told("given_up").length, await a.waiting()], [1, []]);
  assertEquals(await a.texts(group), ["for both", "for b by now"], "it stays for its writer");
  const newer = await a.send(group, "after that");
  await world.away(b);
  await world.back(c);
  await world.deliver();
  assertEquals(await c.texts(group), ["for both", "after that"]);
  assertEquals((await a.states(group, newer, world.people)).c, "delivered");
  // Whoever was given it before may still pass it on.
  await world.back(b);
  await world.deliver();
  await world.connectAll();
  await world.deliver();
  assertEquals((await c.texts(group)).length, 3);
  assertEquals((await a.states(group, late, world.people)).c, "delivered");
});
