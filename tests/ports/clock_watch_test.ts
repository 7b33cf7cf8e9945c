import { assertEquals } from "@std/assert";
import { ClockWatch } from "../../ports/clock_watch.ts";
import { HOUR_MS, MINUTE_MS, START_MS } from "../peer/parts.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

Deno.test("ClockWatch.note() tells of a jump once, not of a small correction", () => {
  const clock = new VirtualClock(START_MS);
  const watch = new ClockWatch(clock);
  clock.skip(HOUR_MS);
  clock.offsetMs += MINUTE_MS - 1;
  assertEquals(watch.note(), false);
  clock.offsetMs += 1;
  assertEquals([watch.note(), watch.note()], [true, false]);
  clock.offsetMs -= 40 * 24 * HOUR_MS;
  assertEquals([watch.note(), watch.note()], [true, false]);
});

Deno.test("ClockWatch.isSteady begins six hours after the start and after each jump", () => {
  const clock = new VirtualClock(START_MS);
  const watch = new ClockWatch(clock);
  clock.skip(6 * HOUR_MS - 1);
  assertEquals(watch.isSteady, false);
  clock.skip(1);
  assertEquals(watch.isSteady, true);
  clock.offsetMs += HOUR_MS;
  assertEquals(watch.isSteady, false, "before anybody noted the jump");
  watch.note();
  clock.skip(6 * HOUR_MS - 1);
  assertEquals(watch.isSteady, false);
  clock.skip(1);
  assertEquals(watch.isSteady, true);
});
