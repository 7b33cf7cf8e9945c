import { assert, assertEquals } from "@std/assert";
import { runHerd } from "../../bench/herd/model.ts";
import { spansFor } from "../../directory/leases.ts";

const HOUR_MS = 3_600_000;

Deno.test("spansFor() gives few nodes what the operator set, and keeps many below 300 announcements a second", () => {
  const few = spansFor({ active: 10, stale: 0 }, HOUR_MS);
  assertEquals(few, {
    leaseMs: HOUR_MS,
    reannounceAfterMs: HOUR_MS / 2,
    lookAfterMs: 60_000,
    retryWithinMs: 1_000,
  });
  const many = spansFor({ active: 900_000, stale: 100_000 }, HOUR_MS);
  assertEquals(many.reannounceAfterMs, 3_333_334);
  assertEquals(many.leaseMs, 2 * many.reannounceAfterMs);
  assertEquals(many.retryWithinMs, many.reannounceAfterMs);
  assertEquals(many.lookAfterMs, 2_000_000);
  const most = spansFor({ active: 1e12, stale: 0 }, HOUR_MS);
  assertEquals([most.reannounceAfterMs, most.leaseMs], [12 * HOUR_MS, 24 * HOUR_MS]);
});

Deno.test("A million nodes come back to a directory below twice their normal load", () => {
  const herd = { nodes: 1_000_000, sample: 2_000, beforeS: 9_000, afterS: 7_200 };
  for (const outageS of [60, 3_600, 86_400]) {
    const { normal, peak } = runHerd({ ...herd, outageS, isSteered: true });
    assert(normal > 800 && normal < 1_200, `${normal}`);
    assert(peak < 2 * normal, `${outageS} s: ${peak} of ${normal}`);
  }
  const former = runHerd({ ...herd, outageS: 3_600, isSteered: false });
  assert(former.peak > 4 * former.normal, "without being told they do not");
});
