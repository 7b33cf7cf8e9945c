import { assertEquals } from "@std/assert";
import { TimeShare } from "../../ports/time_share.ts";

const QUARTER = { share: 1 / 4, burstMs: 100 };

Deno.test("a burst is free, what goes beyond it waits until it is earned", () => {
  const share = new TimeShare(0, QUARTER);
  assertEquals(share.spent(60, 0), 0);
  assertEquals(share.spent(40, 0), 0);
  assertEquals(share.spent(10, 0), 40);
  assertEquals(share.spent(10, 0), 80);
});

Deno.test("whoever waits as long as is said gets just its share of the time", () => {
  const share = new TimeShare(0, QUARTER);
  let nowMs = 0;
  let costMs = 0;
  while (nowMs < 100_000) {
    nowMs += 10;
    costMs += 10;
    nowMs += share.spent(10, nowMs);
  }
  assertEquals(Math.round(costMs / nowMs * 100), 25);
});

Deno.test("a long quiet while earns one burst and no more", () => {
  const share = new TimeShare(0, QUARTER);
  share.spent(100, 0);
  assertEquals(share.spent(100, 1_000_000), 0);
  assertEquals(share.spent(1, 1_000_000), 4);
});
