import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import type { LogLevel } from "../../ports/ports.ts";
import { createLog, systemClock, systemRandom, systemResolver } from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";

Deno.test("systemClock tells the time and never goes back", () => {
  assert(Math.abs(systemClock.nowMs() - Date.now()) < 1_000);
  const before = systemClock.monotonicMs();
  assertGreaterOrEqual(systemClock.monotonicMs(), before);
});

Deno.test("setTimer() calls once, and not after it was cancelled", async () => {
  let calls = 0;
  await new Promise<void>((resolve) => {
    const cancel = systemClock.setTimer(0, () => calls++);
    cancel();
    systemClock.setTimer(5, resolve);
  });
  assertEquals(calls, 0);
});

Deno.test("setTimer() without a delay takes no timeout, which lasts two milliseconds at least", async () => {
  using time = new FakeTime();
  const order: string[] = [];
  setTimeout(() => order.push("timeout"), 0);
  const turns = Promise.withResolvers<void>();
  let left = 100;
  const next = () => {
    if (--left === 0) turns.resolve();
    else systemClock.setTimer(0, next);
  };
  systemClock.setTimer(0, next);
  await turns.promise;
  assertEquals(order, []);
  time.tick(1);
  assertEquals(order, ["timeout"]);
});

Deno.test("setTimer() waits longer than the runtime's own timers can", () => {
  using time = new FakeTime();
  let calls = 0;
  const delayMs = 40 * 24 * 3_600_000;
  systemClock.setTimer(delayMs, () => calls++);
  time.tick(delayMs - 1);
  assertEquals(calls, 0);
  time.tick(1);
  assertEquals(calls, 1);
});

Deno.test("systemRandom gives fresh bytes of any length", () => {
  assertEquals(systemRandom.bytes(0).length, 0);
  assertNotEquals(systemRandom.bytes(32), systemRandom.bytes(32));
  const large = systemRandom.bytes(200_000);
  assertEquals(large.length, 200_000);
  assert(large.subarray(-64).some((byte) => byte !== 0));
});

Deno.test("systemResolver resolves names, and fails as unreachable", async () => {
  const addresses = await systemResolver.resolve("localhost");
  assert(addresses.includes("127.0.0.1") || addresses.includes("::1"));
  const error = await assertRejects(
    () => systemResolver.resolve("nobody.invalid"),
    OpenRedError,
  );
  assertEquals(error.code, "unreachable");
  const aborted = AbortSignal.abort();
  await assertRejects(
    () => systemResolver.resolve("localhost", aborted),
    DOMException,
  );
});

function collectLog(options: { level: LogLevel; format: "json" | "text" }) {
  const lines: string[] = [];
  const clock = { nowMs: () => 1_790_000_000_000, monotonicMs: () => 0, setTimer: () => () => {} };
  return {
    lines,
    log: createLog({ ...options, clock, write: (line) => lines.push(line) }),
  };
}

Deno.test("createLog() writes JSON lines from its level on", () => {
  const { lines, log } = collectLog({ level: "info", format: "json" });
  log.log("debug", "hidden");
  log.log("warn", "lease_lost", { id: "z6Mk", level: "forged", count: 2 });
  assertEquals(lines, [
    '{"time":"2026-09-21T14:13:20.000Z","level":"warn","event":"lease_lost","id":"z6Mk","count":2}\n',
  ]);
});

Deno.test("createLog() writes text in which no value can forge a line", () => {
  const { lines, log } = collectLog({ level: "debug", format: "text" });
  log.log("debug", "peer_seen", {
    url: "http://127.0.0.1:80/a",
    alias: "x\n2026 error",
    gone: false,
  });
  assertEquals(lines, [
    '2026-09-21T14:13:20.000Z debug peer_seen url=http://127.0.0.1:80/a alias="x\\n2026 error" gone=false\n',
  ]);
});
