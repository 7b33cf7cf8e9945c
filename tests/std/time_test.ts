import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { FakeTime, TimeError } from "@std/testing/time";

const REAL = {
  Date,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  abortTimeout: AbortSignal.timeout,
};

function readGlobals(): typeof REAL {
  return {
    Date,
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    abortTimeout: AbortSignal.timeout,
  };
}

function assertRealGlobals(): void {
  for (const [name, value] of Object.entries(readGlobals())) {
    assertStrictEquals(value, REAL[name as keyof typeof REAL], name);
  }
}

Deno.test("FakeTime moves Date and timers", () => {
  const calls: string[] = [];
  {
    using time = new FakeTime(1_000);
    assertEquals([Date.now(), new Date().getTime(), new Date(5).getTime()], [1_000, 1_000, 5]);
    assertInstanceOf(new Date(), Date);
    assertEquals(Date(), new Date(1_000).toString());
    setTimeout((x: string) => calls.push(x), 20, "late");
    setTimeout(() => setTimeout(() => calls.push("nested"), 5), 10);
    const interval = setInterval(() => calls.push(`each ${Date.now()}`), 8);
    clearTimeout(setTimeout(() => calls.push("never"), 1));
    time.tick(20);
    clearInterval(interval);
    time.tick(100);
    assertEquals(calls, ["each 1008", "nested", "each 1016", "late"]);
    assertEquals([time.now, time.start], [1_120, 1_000]);
    assertThrows(
      () => time.now = 5,
      RangeError,
      "Cannot set current time in the past, time must be >= 1120: received 5",
    );
    setTimeout(() => calls.push("all"), 500);
    time.runAll();
    assertEquals(calls.at(-1), "all");
    assertEquals(time.next(), false);
  }
  assertRealGlobals();
});

Deno.test("FakeTime stops at a timer that throws", () => {
  using time = new FakeTime(0);
  setTimeout(() => {
    throw new RangeError("broken");
  }, 10);
  assertThrows(() => time.tick(20), RangeError, "broken");
  assertEquals(time.now, 10);
});

Deno.test("FakeTime takes a delay that is no number for the shortest one", () => {
  using time = new FakeTime(0);
  const calls: number[] = [];
  const interval = setInterval(() => calls.push(Date.now()), NaN);
  setTimeout(() => calls.push(Date.now()), NaN);
  setTimeout(() => calls.push(Date.now()), -5);
  time.tick(2);
  clearInterval(interval);
  assertEquals(calls, [0, 0, 1, 2]);
  assertEquals(time.next(), false);
});

Deno.test("FakeTime takes callbacks that are functions only", () => {
  using _time = new FakeTime();
  for (const name of ["setTimeout", "setInterval"] as const) {
    assertThrows(
      () => globalThis[name]("1 + 1" as unknown as () => void),
      TimeError,
      `FakeTime does not support non-function callbacks to ${name}`,
    );
  }
});

Deno.test("FakeTime moves AbortSignal.timeout()", () => {
  using time = new FakeTime();
  const signal = AbortSignal.timeout(50);
  time.tick(49);
  assert(!signal.aborted);
  time.tick(1);
  assert(signal.aborted);
  assertInstanceOf(signal.reason, DOMException);
  assertEquals([signal.reason.name, signal.reason.message], ["TimeoutError", "Signal timed out."]);
});

Deno.test("new FakeTime() refuses a second one, and leaves the first in place", () => {
  using time = new FakeTime(7);
  assertThrows(() => new FakeTime(), TimeError, "time is already faked");
  time.tick(1);
  assertEquals(Date.now(), 8);
});

Deno.test("new FakeTime() takes numbers, dates and text, and refuses what is no time", () => {
  const starts: [number | string | Date, number][] = [
    [1.5, 1],
    [new Date(2), 2],
    ["1970-01-01T00:00:03Z", 3_000],
  ];
  for (const [start, expected] of starts) {
    using time = new FakeTime(start);
    assertEquals([time.start, Date.now()], [expected, expected]);
  }
  for (const start of [NaN, "noon"]) {
    assertThrows(() => new FakeTime(start), TypeError, "invalid start time NaN");
  }
  assertRealGlobals();
});

Deno.test("FakeTime gives real time back once", () => {
  const time = new FakeTime();
  FakeTime.restore();
  assertRealGlobals();
  for (const restore of [() => FakeTime.restore(), () => time.restore()]) {
    assertThrows(restore, TimeError, "time is already restored");
  }
});

Deno.test("timer functions kept from a fake time refuse when it is over, and dates are real", () => {
  const time = new FakeTime(0);
  const kept = readGlobals();
  time.restore();
  const calls: [() => unknown, string][] = [
    [() => kept.setTimeout(() => {}), "Cannot set timeout"],
    [() => kept.clearTimeout(1), "Cannot clear timeout"],
    [() => kept.setInterval(() => {}), "Cannot set interval"],
    [() => kept.clearInterval(1), "Cannot clear interval"],
    [() => kept.abortTimeout(1), "Cannot set timeout"],
  ];
  for (const [call, message] of calls) {
    assertThrows(call, TimeError, `${message}: time is not faked`);
  }
  assert(kept.Date.now() > 1_000_000_000_000);
  assert(new kept.Date().getTime() > 1_000_000_000_000);
});

Deno.test("timers of a fake time that is over do not go off in the next one", () => {
  const calls: string[] = [];
  {
    using _first = new FakeTime(0);
    setTimeout(() => calls.push("stale"), 10);
  }
  using time = new FakeTime(0);
  time.tick(100);
  assertEquals(calls, []);
});

Deno.test("FakeTime runs what promises wait for", async () => {
  using time = new FakeTime();
  let woken = false;
  const waiting = new Promise<void>((resolve) => setTimeout(resolve, 50)).then(() => woken = true);
  await time.tickAsync(50);
  await waiting;
  assert(woken);
});

Deno.test("FakeTime.runAllAsync() runs what promises wait for before each timer", async () => {
  using time = new FakeTime(0);
  const calls: string[] = [];
  setTimeout(() => {
    calls.push("first");
    Promise.resolve().then(() => calls.push("between"));
  }, 5);
  setTimeout(() => calls.push("second"), 5);
  setTimeout(() => calls.push("third"), 6);
  await time.runAllAsync();
  assertEquals(calls, ["first", "second", "between", "third"]);
});

Deno.test("FakeTime.delay() waits in real time until it is aborted", async () => {
  using time = new FakeTime(0);
  await time.delay(1);
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = assertRejects(
    // Longer than a run may take: only the signal ends it.
    () => time.delay(600_000, { signal }),
    DOMException,
    "Delay was aborted.",
  );
  controller.abort(new Error("not this one"));
  await aborted;
  await assertRejects(() => time.delay(1, { signal }), DOMException, "Delay was aborted.");
  assertEquals(time.now, 0);
});

Deno.test("FakeTime can go on by itself, and stops when real time is back", async () => {
  const time = new FakeTime(0, { advanceRate: 1_000, advanceFrequency: 1 });
  const gone = Promise.withResolvers<void>();
  setTimeout(() => gone.resolve(), 2_000);
  await gone.promise;
  time.restore();
  const stoppedMs = time.now;
  assert(stoppedMs >= 2_000);
  // Real milliseconds, since real ones move it: many steps of one each.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(time.now, stoppedMs);
});

Deno.test("FakeTime.restoreFor() gives real time to a callback, and only to it", async () => {
  using _time = new FakeTime(0);
  const fake = readGlobals();
  const result = FakeTime.restoreFor((a: number) => (assertRealGlobals(), a + 1), 1);
  assertStrictEquals(setTimeout, fake.setTimeout);
  assertEquals(await result, 2);

  const gate = Promise.withResolvers<void>();
  const later = FakeTime.restoreFor(() => gate.promise);
  assertRealGlobals();
  gate.resolve();
  await later;
  for (const [name, value] of Object.entries(readGlobals())) {
    assertStrictEquals(value, fake[name as keyof typeof fake], name);
  }
});

Deno.test("FakeTime.restoreFor() rejects with what the callback threw, and without a fake time", async () => {
  {
    using _time = new FakeTime(0);
    const fail = () => {
      throw new RangeError("odd");
    };
    await assertRejects(() => FakeTime.restoreFor(fail), RangeError, "odd");
    assertEquals(Date.now(), 0);
  }
  await assertRejects(() => FakeTime.restoreFor(() => 1), TimeError, "time is not faked");
});
