import { assertEquals } from "@std/assert";
import { Housekeeping } from "../../directory/housekeeping.ts";
import type { MetricLabels } from "../../protocol/metrics.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { settle } from "../world/settle.ts";
import { until } from "../world/until.ts";
import { NO_LIMITS } from "./test_directory.ts";

/** A store that has so many steps to do, and notes when each was done. */
function sweepingFor(steps: number) {
  const clock = new FakeClock(0);
  const doneAtMs: number[] = [];
  const store = {
    sweep() {
      doneAtMs.push(clock.monotonicMs());
      return Promise.resolve({ forgotten: 0, proofs: 0, isDone: doneAtMs.length >= steps });
    },
    countNodes: () => Promise.resolve({ active: 0, stale: 0, dormant: 0 }),
    countStored: () => Promise.resolve(0),
  };
  const own = { renewIfDue: () => Promise.resolve() };
  const config = { leaseMs: 1, limits: NO_LIMITS };
  const log = new MemoryLog();
  const metrics = { counter: (_name: string, labels: MetricLabels) => ({ labels, value: 0 }) };
  const parts = { clock, log, store, own, config, metrics };
  return { clock, doneAtMs, housekeeping: new Housekeeping(parts) };
}

Deno.test("A sweep leaves everybody else their turn after each step", async () => {
  const { clock, doneAtMs, housekeeping } = sweepingFor(4);
  housekeeping.start();
  for (let step = 1; step <= 4; step++) {
    await until(() => doneAtMs.length >= step, `step ${step}`);
    for (let ms = 0; ms < 10; ms++) {
      await settle();
      clock.advance(1);
    }
  }
  await housekeeping.stop();
  assertEquals(doneAtMs, [0, 10, 20, 30]);
});

Deno.test("Who stops a directory waits for no more than one step of a sweep", async () => {
  const { doneAtMs, housekeeping } = sweepingFor(1_000);
  housekeeping.start();
  await until(() => doneAtMs.length === 1, "the first step");
  await housekeeping.stop();
  assertEquals(doneAtMs.length, 1);
});
