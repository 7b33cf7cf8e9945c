import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
} from "@std/assert";

/** The message of the failure; with `try` alone, so that nothing under test judges itself. */
function failureOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AssertionError && error.name === "AssertionError") return error.message;
    throw error;
  }
  throw new Error("Expected a failed assertion");
}

async function asyncFailureOf(run: () => Promise<unknown>): Promise<string> {
  const outcome = await run().then(() => null, (error: unknown) => error);
  if (outcome instanceof AssertionError) return outcome.message;
  throw new Error("Expected a failed assertion", { cause: outcome });
}

Deno.test("equal() tells deep equality", () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  const otherCycle: Record<string, unknown> = { a: 1 };
  otherCycle.self = otherCycle;
  const same: [unknown, unknown][] = [
    [1, 1],
    [NaN, NaN],
    [0, -0],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
    [Object.create(null), {}],
    [{ a: Object.assign(Object.create(null), { b: 1 }) }, { a: { b: 1 } }],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
    [new Map([[{ k: 1 }, 2]]), new Map([[{ k: 1 }, 2]])],
    [new Map([["k", { a: 1 }], ["l", { a: 2 }]]), new Map([["l", { a: 2 }], ["k", { a: 1 }]])],
    [new Set([1, "a"]), new Set(["a", 1])],
    [new Set([{ a: 1 }, { b: 2 }]), new Set([{ b: 2 }, { a: 1 }])],
    // One member of a set, or key of a map, stands for several.
    [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [new URL("http://a/"), new URL("http://a/")],
    [cycle, otherCycle],
  ];
  for (const [a, b] of same) if (!equal(a, b)) throw new Error(Deno.inspect([a, b]));
});

Deno.test("equal() tells what is not deeply equal", () => {
  const different: [unknown, unknown][] = [
    [1, "1"],
    [null, undefined],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [[1], { 0: 1 }],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array([1]), new Uint16Array([1])],
    [new Map([[1, 2]]), new Map([[1, 3]])],
    [new Map([[{ k: 1 }, 2]]), new Map([[{ k: 1 }, 3]])],
    [new Set([1]), new Set([2])],
    [new Set([{ a: 1 }]), new Set([{ a: 2 }])],
    [Object.create(null), []],
    [Object.create(null), new Date(0)],
    [Object.assign(Object.create(null), { a: 1 }), { a: 2 }],
    [Object.create({}), Object.create(null)],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [new TypeError("a"), new Error("a")],
    [new Error("a"), new Error("b")],
    [new URL("http://a/"), new URL("http://b/")],
  ];
  for (const [a, b] of different) if (equal(a, b)) throw new Error(Deno.inspect([a, b]));
});

Deno.test("equal() goes by the text of what Temporal has", () => {
  const { Duration } = Temporal;
  if (!equal(Duration.from({ milliseconds: 1_000 }), Duration.from({ seconds: 1 }))) {
    throw new Error("Expected durations of one text to be equal");
  }
  if (equal(Duration.from({ minutes: 1 }), Duration.from({ seconds: 60 }))) {
    throw new Error("Expected durations of other texts to differ");
  }
});

Deno.test("assertEquals() shows what differs", () => {
  assertEquals({ a: 1 }, { a: 1 });
  const message = failureOf(() => assertEquals({ a: 1, b: 2 }, { a: 1, b: 3 }, "in the house"));
  if (!message.startsWith("Values are not equal: in the house\n")) throw new Error(message);
  if (!/-\s+b: 2/.test(message) || !/\+\s+b: 3/.test(message)) throw new Error(message);
});

Deno.test("the assertions pass on what holds", () => {
  assert(1);
  assertNotEquals({ a: 1 }, { a: 2 });
  assertStrictEquals("a", "a");
  assertInstanceOf(new TypeError(), Error);
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1n, 2n);
});

Deno.test("the assertions fail on what does not hold", () => {
  const messages = [
    () => assert(0, "why"),
    () => assertNotEquals([1], [1]),
    () => assertStrictEquals({}, {}),
    () => assertStrictEquals(1, 2),
    () => assertInstanceOf({}, Date),
    () => assertMatch("abc", /x/),
    () => assertStringIncludes("abc", "x"),
    () => assertGreater(1, 1),
    () => assertGreaterOrEqual(1, 2),
    () => assertLess(2, 1),
  ].map(failureOf);
  assertEquals(messages[0], "why");
  assertEquals(messages.at(-1), "Expect 2 < 1");
});

Deno.test("assertThrows() gives the error back, and fails without one or with another", () => {
  const thrown = new RangeError("far off");
  const returned: RangeError = assertThrows(
    () => {
      throw thrown;
    },
    RangeError,
    "far",
  );
  assertStrictEquals(returned, thrown);
  assertStrictEquals(
    assertThrows(() => {
      throw 5;
    }),
    5,
  );
  assertEquals(failureOf(() => assertThrows(() => 1)), "Expected function to throw.");
  assertEquals(failureOf(() => assertThrows(() => 1, "why")), "Expected function to throw: why");
  assertStringIncludes(
    failureOf(() =>
      assertThrows(() => {
        throw thrown;
      }, TypeError)
    ),
    'Expected error to be instance of "TypeError", but was "RangeError".',
  );
  assertStringIncludes(
    failureOf(() =>
      assertThrows(
        () => {
          throw thrown;
        },
        RangeError,
        "near",
      )
    ),
    'Expected error message to include "near", but got "far off".',
  );
  assertEquals(
    failureOf(() =>
      assertThrows(() => {
        throw 5;
      }, Error)
    ),
    "A non-Error object was thrown.",
  );
});

Deno.test("assertRejects() gives the error back, and fails without a rejection", async () => {
  const reason = new RangeError("far off");
  const returned: RangeError = await assertRejects(() => Promise.reject(reason), RangeError, "off");
  assertStrictEquals(returned, reason);
  assertEquals(
    await asyncFailureOf(() => assertRejects(() => Promise.resolve(1))),
    "Expected function to reject.",
  );
  assertEquals(
    await asyncFailureOf(() =>
      assertRejects(() => {
        throw reason;
      }, RangeError)
    ),
    "Function throws when expected to reject.",
  );
  assertStringIncludes(
    await asyncFailureOf(() => assertRejects(() => Promise.reject(reason), TypeError)),
    'Expected error to be instance of "TypeError"',
  );
  const notPromise = { then: 5 } as unknown as PromiseLike<unknown>;
  assertEquals(
    await asyncFailureOf(() => assertRejects(() => notPromise, "why")),
    "Function throws when expected to reject: why",
  );
});
