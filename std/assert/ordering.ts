import { AssertionError } from "./assertion_error.ts";
import { format } from "./difference.ts";

function describe(actual: unknown, sign: string, expected: unknown): string {
  return `Expect ${format(actual)} ${sign} ${format(expected)}`;
}

/** Throws unless `actual` > `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(msg ?? describe(actual, ">", expected));
}

/** Throws unless `actual` ≥ `expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (actual >= expected) return;
  throw new AssertionError(msg ?? describe(actual, ">=", expected));
}

/** Throws unless `actual` < `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(msg ?? describe(actual, "<", expected));
}
