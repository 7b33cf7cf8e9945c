import { assertEquals, assertThrows } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { ContextWorld } from "../../world/module_context.ts";

Deno.test("what a module from a file tells the owner stands under its name, and is bounded", async () => {
  using world = await ContextWorld.create();
  const { context: { events } } = await world.contextOf({ name: "diary" }, "file");
  events.warn("first", "Run this");
  assertEquals(world.parts.events.warnings(), ['The module diary says: "Run this"']);
  for (let at = 1; at < 16; at++) events.warn(`topic ${at}`, "More");
  assertThrows(() => events.warn("one more", "More"), OpenRedError, "at most 16");
  events.settle("first");
  events.warn("one more", "More");
  assertEquals(world.parts.events.warnings().length, 16);
});

Deno.test("a module has so many counters and no more", async () => {
  using world = await ContextWorld.create();
  const { context: { metrics } } = await world.contextOf({ name: "diary" }, "file");
  for (let at = 0; at < 64; at++) metrics.count(`counter_${at}`);
  metrics.count("counter_0", 2);
  assertThrows(() => metrics.count("one_more"), OpenRedError, "at most 64");
  const counters = world.parts.events.counters();
  assertEquals([counters.module_diary_counter_0, "module_diary_one_more" in counters], [3, false]);
});
