import { assertEquals, assertThrows } from "@std/assert";
import { RateLimiter } from "../../../peer/p2p/rate_limiter.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

/** How long a source has to wait, or 0. */
function waitOf(limiter: RateLimiter, source: string): number {
  try {
    limiter.take(source);
    return 0;
  } catch (error) {
    if (error instanceof OpenRedError && error.code === "rate_limited") return error.retryAfterMs!;
    throw error;
  }
}

Deno.test("RateLimiter takes so many of a source in a minute, and says when the next may come", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimiter(clock, 2);
  assertEquals([waitOf(limiter, "a"), waitOf(limiter, "a")], [0, 0]);
  clock.skip(20_000);
  assertEquals(waitOf(limiter, "a"), 40_000);
  assertEquals(waitOf(limiter, "b"), 0, "another source has its own");
  clock.skip(39_999);
  assertEquals(waitOf(limiter, "a"), 1);
  clock.skip(1);
  assertEquals(waitOf(limiter, "a"), 0);
});

Deno.test("RateLimiter counts on the monotonic clock", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimiter(clock, 1);
  limiter.take("a");
  clock.offsetMs += 3_600_000;
  assertThrows(() => limiter.take("a"), OpenRedError);
});

Deno.test("RateLimiter remembers 10,000 sources, and forgets whose window began first", () => {
  const clock = new VirtualClock(0);
  const limiter = new RateLimiter(clock, 1);
  for (let source = 0; source < 10_001; source++) limiter.take(`${source}`);
  assertEquals(waitOf(limiter, "10000"), 60_000);
  assertEquals(waitOf(limiter, "1"), 60_000);
  assertEquals(waitOf(limiter, "0"), 0, "the first had to go");
});
