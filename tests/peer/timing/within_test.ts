import { assertEquals, assertRejects } from "@std/assert";
import { within } from "../../../peer/timing/within.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const LATE = new RangeError("late");
const IN_TIME = { ms: 1_000, late: LATE };

Deno.test("within() resolves with what comes in time, and leaves no timer", async () => {
  const clock = new VirtualClock(0);
  const timers: (() => void)[] = [];
  const counting = {
    setTimer: (ms: number, callback: () => void) => {
      const cancel = clock.setTimer(ms, callback);
      timers.push(callback);
      return () => {
        timers.splice(timers.indexOf(callback), 1);
        cancel();
      };
    },
  };
  const work = Promise.withResolvers<string>();
  const waiting = within(counting, IN_TIME, work.promise);
  await clock.advance(999);
  assertEquals(timers.length, 1);
  work.resolve("in time");
  assertEquals([await waiting, timers.length], ["in time", 0]);
});

Deno.test("within() fails as its work does, in time", async () => {
  const fault = new TypeError("broken");
  const work = within(new VirtualClock(0), IN_TIME, Promise.reject(fault));
  assertEquals(await work.catch((error) => error), fault);
});

Deno.test("within() throws what it was given once it is too late, and lets the work go on", async () => {
  const clock = new VirtualClock(0);
  const work = Promise.withResolvers<string>();
  const waiting = within(clock, IN_TIME, work.promise);
  const failed = assertRejects(() => waiting, RangeError, "late");
  await clock.advance(1_000);
  await failed;
  // A failure that comes later is nobody's: it must not end the process.
  work.reject(new TypeError("much later"));
  await clock.advance(1_000);
});
