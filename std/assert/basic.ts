import { AssertionError, suffix } from "./assertion_error.ts";

/** Any class, abstract ones included. */
// deno-lint-ignore no-explicit-any
export type AnyConstructor = abstract new (...args: any[]) => any;

/** What a class makes. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;

/** Throws unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

function describeType(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "object") return value.constructor?.name ?? "Object";
  return typeof value;
}

/** Throws unless `actual` was made by `expectedType` or a subclass of it. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  const expected = expectedType.name;
  const received = describeType(actual);
  const but = received === expected
    ? ""
    : received === "function"
    ? " but was not an instanced object"
    : ` but was "${received}"`;
  throw new AssertionError(
    `Expected object to be an instance of "${expected}"${but}${suffix(msg)}`,
  );
}
