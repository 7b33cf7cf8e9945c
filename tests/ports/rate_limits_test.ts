import { assertEquals, assertThrows } from "@std/assert";
import { RateLimit } from "../../ports/rate_limits.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

/** How long a source has to wait, or 0. */
function waitOf(limiter: RateLimit, source: string): number {
  try {
    limiter.check(source);
    return 0;
  } catch (error) {
    if (error instanceof OpenRedError && error.code === "rate_limited") return error.retryAfterMs!;
    throw error;
  }
}

Deno.test("RateLimit takes so many of a source in a minute, and says when the next may come", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimit(clock, { perMinute: 2, what: "in a test" });
  assertEquals([waitOf(limiter, "a"), waitOf(limiter, "a")], [0, 0]);
  clock.skip(20_000);
  assertEquals(waitOf(limiter, "a"), 40_000);
  assertEquals(waitOf(limiter, "b"), 0, "another source has its own");
  clock.skip(39_999);
  assertEquals(waitOf(limiter, "a"), 1);
  clock.skip(1);
  assertEquals(waitOf(limiter, "a"), 0);
});

Deno.test("RateLimit counts on the monotonic clock", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimit(clock, { perMinute: 1, what: "in a test" });
  limiter.check("a");
  clock.offsetMs += 3_600_000;
  assertThrows(() => limiter.check("a"), OpenRedError);
});

Deno.test("RateLimit remembers 50,000 sources, and forgets whose window began first", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimit(clock, { perMinute: 1, what: "in a test" });
  for (let source = 0; source <= 50_000; source++) limiter.check(`${source}`);
  assertEquals(waitOf(limiter, "50000"), 60_000);
  assertEquals(waitOf(limiter, "1"), 60_000);
  assertEquals(waitOf(limiter, "0"), 0, "the first had to go");
});
