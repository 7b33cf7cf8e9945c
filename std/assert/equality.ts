import { AssertionError, suffix } from "./assertion_error.ts";
import { describeDifference, format } from "./difference.ts";
import { equal } from "./equal.ts";

function compareText(actual: unknown, expected: unknown): string {
  const both = typeof actual === "string" && typeof expected === "string";
  return both
    ? describeDifference(JSON.stringify(actual), JSON.stringify(expected))
    : describeDifference(format(actual), format(expected));
}

/** Throws unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${suffix(msg)}\n${compareText(actual, expected)}`,
  );
}

/** Throws if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
  );
}

/** Throws unless both are the same value, as `Object.is` tells. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  if (format(actual) === format(expected)) {
    throw new AssertionError(
      `Values have the same structure but are not reference-equal${suffix(msg)}\n\n` +
        `${format(actual).replaceAll(/^/gm, "    ")}\n`,
    );
  }
  throw new AssertionError(
    `Values are not strictly equal${suffix(msg)}\n${compareText(actual, expected)}`,
  );
}
