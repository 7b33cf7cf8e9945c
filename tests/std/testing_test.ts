import { assertEquals, AssertionError, assertRejects, assertThrows } from "@std/assert";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import {
  assertSpyCall,
  assertSpyCallArg,
  assertSpyCallArgs,
  assertSpyCallAsync,
  assertSpyCalls,
  MockError,
  resolvesNext,
  returnsNext,
  spy,
  stub,
} from "@std/testing/mock";
import { FakeTime, TimeError } from "@std/testing/time";

Deno.test("spy() keeps arguments, results, errors and self", () => {
  const error = new RangeError("odd");
  const half = spy((value: number) => {
    if (value % 2) throw error;
    return value / 2;
  });
  assertEquals(half(4), 2);
  assertThrows(() => half(3), RangeError);
  assertSpyCalls(half, 2);
  assertSpyCall(half, 0, { args: [4], returned: 2 });
  assertSpyCall(half, 1, {
    args: [3],
    error: { Class: RangeError, msgIncludes: "odd" },
  });
  assertSpyCallArg(half, 0, 0, 4);
  assertSpyCallArgs(half, 1, [3]);
  assertThrows(
    () => assertSpyCalls(half, 3),
    AssertionError,
    "Spy not called as much",
  );
  assertThrows(
    () => assertSpyCall(half, 0, { args: [5] }),
    AssertionError,
    "expected args",
  );
  assertThrows(() => assertSpyCall(half, 0, { returned: 3 }), AssertionError);
  assertThrows(() => assertSpyCall(half, 2), AssertionError);
  assertThrows(() => half.restore(), MockError);
});

Deno.test("spy() and stub() stand for methods until they are restored", () => {
  const counter = {
    count: 1,
    add(n: number): number {
      return this.count += n;
    },
  };
  const { add } = counter;
  {
    using added = spy(counter, "add");
    assertEquals(counter.add(2), 3);
    assertSpyCall(added, 0, { self: counter, args: [2], returned: 3 });
    assertThrows(() => spy(counter, "add"), MockError);
  }
  assertEquals(counter.add, add);
  using stubbed = stub(
    counter,
    "add",
    returnsNext([10, new RangeError("full")]),
  );
  assertEquals(counter.add(1), 10);
  assertThrows(() => counter.add(1), RangeError, "full");
  assertThrows(() => counter.add(1), MockError);
  assertSpyCalls(stubbed, 3);
});

Deno.test("assertSpyCallAsync() looks at what promises settle to", async () => {
  const next = spy(resolvesNext<number, unknown, []>([1, new TypeError("no")]));
  await next();
  await assertRejects(() => next(), TypeError);
  await assertSpyCallAsync(next, 0, { returned: 1 });
  await assertSpyCallAsync(next, 1, { error: { Class: TypeError } });
  await assertRejects(
    () => assertSpyCallAsync(next, 0, { returned: 2 }),
    AssertionError,
  );
});

Deno.test("FakeTime moves Date and timers", () => {
  const calls: string[] = [];
  {
    using time = new FakeTime(1_000);
    assertEquals([Date.now(), new Date().getTime(), new Date(5).getTime()], [
      1_000,
      1_000,
      5,
    ]);
    assertEquals(new Date() instanceof Date, true);
    setTimeout((x: string) => calls.push(x), 20, "late");
    setTimeout(() => setTimeout(() => calls.push("nested"), 5), 10);
    const interval = setInterval(() => calls.push(`each ${Date.now()}`), 8);
    clearTimeout(setTimeout(() => calls.push("never"), 1));
    time.tick(20);
    clearInterval(interval);
    time.tick(100);
    assertEquals(calls, ["each 1008", "nested", "each 1016", "late"]);
    assertEquals(time.now, 1_120);
    assertThrows(() => time.now = 5, RangeError);
    setTimeout(() => calls.push("all"), 500);
    time.runAll();
    assertEquals(calls.at(-1), "all");
    assertEquals(time.next(), false);
  }
  assertEquals(Date.now() > 1_700_000_000_000, true);
  assertThrows(() => FakeTime.restore(), TimeError);
});

Deno.test("FakeTime runs what promises wait for", async () => {
  using time = new FakeTime();
  let woken = false;
  const waiting = new Promise<void>((resolve) => setTimeout(resolve, 50)).then(
    () => woken = true,
  );
  await time.tickAsync(50);
  await waiting;
  assertEquals(woken, true);
  assertEquals(
    await FakeTime.restoreFor(() => Date.now() !== time.now || true),
    true,
  );
});

const events: string[] = [];

describe("a group", () => {
  beforeAll(() => void events.push("beforeAll"));
  afterAll(() => {
    events.push("afterAll");
    assertEquals(events, [
      "beforeAll",
      "outer",
      "first",
      "after outer",
      "outer",
      "inner",
      "second",
      "after outer",
      "afterAll",
    ]);
  });
  beforeEach(() => void events.push("outer"));
  afterEach(() => void events.push("after outer"));
  it("runs its hooks around a test", () => void events.push("first"));
  it.skip("leaves skipped tests out", () => void events.push("skipped"));
  describe("inside", () => {
    beforeEach(() => void events.push("inner"));
    it("runs the outer hooks first", () => void events.push("second"));
  });
});

const flat = describe<{ value: number }>({
  name: "a flat group",
  beforeEach() {
    this.value = 5;
  },
});
it(flat, "hands its context to tests", function () {
  assertEquals(this.value, 5);
});
