import { assertEquals } from "@std/assert";
import { Greeting } from "../../../peer/sessions/greeting.ts";
import { SessionWorld } from "./session_world.ts";

Deno.test("Greeting.greet() says hello on an open channel, and repeats the same bytes by POST", async () => {
  const world = await SessionWorld.create();
  using _ = world;
  const { own } = await world.session({ confirmed: false });
  const greeting = new Greeting({ ...world.parts, table: world.table, carrier: world.carrier });
  const greeted = greeting.greet(own, new AbortController().signal);
  await world.parts.clock.advance(3_500);
  world.confirm(own);
  own.onConfirmed?.();
  assertEquals(await greeted, true);
  assertEquals(world.sent.map(({ atMs, post }) => [atMs, post]), [
    [0, false],
    [1_000, true],
    [3_000, true],
  ]);
  assertEquals(new Set(world.sent.map(({ frame }) => frame.join())).size, 1);
});
