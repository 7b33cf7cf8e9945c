// deno-lint-ignore-file no-explicit-any
import { assertEquals, AssertionError, assertIsError, assertRejects } from "../assert/mod.ts";
import type { SpyCall, SpyLike } from "./spy.ts";

/** What a call is expected to have been. */
export interface ExpectedSpyCall<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> {
  args?: [...Args, ...unknown[]];
  self?: Self;
  returned?: Return;
  error?: {
    Class?: new (...args: any[]) => Error;
    msgIncludes?: string;
  };
}

function compare(actual: unknown, expected: unknown, what: string): void {
  try {
    assertEquals(actual, expected);
  } catch (error) {
    const [, ...difference] = (error as Error).message.split("\n");
    throw new AssertionError(`${what}:\n${difference.join("\n")}`);
  }
}

function findCall(spy: SpyLike, index: number): SpyCall {
  const call = spy.calls[index];
  if (call === undefined) {
    throw new AssertionError("Spy not called as much as expected");
  }
  return call;
}

function refuseBoth(expected: object): void {
  if ("returned" in expected && "error" in expected) {
    throw new TypeError(
      "Do not expect error and return, only one should be expected",
    );
  }
}

/** Throws unless there were exactly so many calls. */
export function assertSpyCalls<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Return>,
  expectedCalls: number,
): void {
  const { length } = spy.calls;
  const what = length < expectedCalls
    ? "Spy not called as much as expected"
    : "Spy called more than expected";
  compare(length, expectedCalls, what);
}

/** Throws unless a call was as expected. */
export function assertSpyCall<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  expected: ExpectedSpyCall<Self, Args, Return> = {},
): void {
  const call = findCall(spy, callIndex);
  refuseBoth(expected);
  if (expected.args) {
    compare(call.args, expected.args, "Spy not called with expected args");
  }
  if ("self" in expected) {
    compare(
      call.self,
      expected.self,
      "Spy not called as method on expected self",
    );
  }
  if ("returned" in expected) {
    if (call.error) {
      throw new AssertionError(
        "Spy call did not return expected value, an error was thrown.",
      );
    }
    compare(
      call.returned,
      expected.returned,
      "Spy call did not return expected value",
    );
  }
  if ("error" in expected) {
    if ("returned" in call) {
      throw new AssertionError(
        "Spy call did not throw an error, a value was returned.",
      );
    }
    assertIsError(
      call.error,
      expected.error?.Class,
      expected.error?.msgIncludes,
    );
  }
}

/** Throws unless a call's promise settled as expected. */
export async function assertSpyCallAsync<Self, Args extends unknown[], Return>(
  spy: SpyLike<Self, Args, Promise<Return>>,
  callIndex: number,
  expected: ExpectedSpyCall<Self, Args, Promise<Return> | Return> = {},
): Promise<void> {
  refuseBoth(expected);
  const { returned: _returned, error: _error, ...rest } = expected;
  assertSpyCall(spy as SpyLike, callIndex, rest as ExpectedSpyCall);
  const call = findCall(spy, callIndex);
  if (!(call.returned instanceof Promise)) {
    throw new AssertionError(
      call.error
        ? "Spy call did not return a promise, an error was thrown."
        : "Spy call did not return a promise, a value was returned.",
    );
  }
  if ("returned" in expected) {
    const wanted = await expected.returned;
    const resolved = await call.returned.catch(() => {
      throw new AssertionError("Spy call returned promise was rejected");
    });
    compare(resolved, wanted, "Spy call did not resolve to expected value");
  }
  if ("error" in expected) {
    const { Class = Error, msgIncludes = "" } = expected.error ?? {};
    await assertRejects(
      () => Promise.resolve(call.returned),
      Class,
      msgIncludes,
    );
  }
}

/** Throws unless one argument of a call was as expected. */
export function assertSpyCallArg<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArg,
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argIndex: number,
  expected: ExpectedArg,
): ExpectedArg {
  const argument = findCall(spy, callIndex).args[argIndex];
  assertEquals(argument, expected);
  return argument;
}

/** Throws unless the arguments of a call, or those from a start to an end, were as expected. */
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  expected: ExpectedArgs,
): ExpectedArgs;
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argsStart: number,
  expected: ExpectedArgs,
): ExpectedArgs;
export function assertSpyCallArgs<
  Self,
  Args extends unknown[],
  Return,
  ExpectedArgs extends unknown[],
>(
  spy: SpyLike<Self, Args, Return>,
  callIndex: number,
  argsStart: number,
  argsEnd: number,
  expected: ExpectedArgs,
): ExpectedArgs;
export function assertSpyCallArgs(
  spy: SpyLike,
  callIndex: number,
  ...rest: (number | unknown[])[]
): unknown[] {
  const expected = rest.pop() as unknown[];
  const [start, end] = rest as number[];
  const args = findCall(spy, callIndex).args.slice(start, end);
  assertEquals(args, expected);
  return args;
}
