import { assertEquals } from "./equality.ts";

type Loose = Record<PropertyKey, unknown>;

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}

/** The part of `actual` that `expected` speaks of, without prototypes. */
class Subset {
  readonly #seen = new Map<object, [other: object, result: unknown]>();

  of(actual: unknown, expected: unknown): unknown {
    if (!isObject(actual) || !isObject(expected) || actual instanceof RegExp) {
      return actual;
    }
    if (Array.isArray(actual) !== Array.isArray(expected)) return actual;
    if (ArrayBuffer.isView(actual) || actual instanceof Date) return actual;
    const known = this.#seen.get(actual);
    if (known?.[0] === expected) return known[1];
    if (actual instanceof Map && expected instanceof Map) {
      return this.#ofMap(actual, expected);
    }
    if (actual instanceof Set && expected instanceof Set) {
      return new Set([...actual].filter((value) => expected.has(value)));
    }
    return this.#ofObject(actual, expected);
  }

  #ofMap(
    actual: ReadonlyMap<unknown, unknown>,
    expected: ReadonlyMap<unknown, unknown>,
  ): unknown {
    const result = new Map<unknown, unknown>();
    this.#seen.set(actual, [expected, result]);
    for (const [key, value] of actual) {
      if (expected.has(key)) result.set(key, this.of(value, expected.get(key)));
    }
    return result;
  }

  #ofObject(actual: Loose, expected: Loose): unknown {
    const result: Loose = Object.create(null);
    this.#seen.set(actual, [expected, result]);
    for (const key of Reflect.ownKeys(actual)) {
      if (!(key in expected)) continue;
      // Else the length would say that an array with further items differs.
      if (Array.isArray(actual) && key === "length") continue;
      Object.defineProperty(result, key, {
        value: this.of(actual[key], expected[key]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return result;
  }
}

/** Throws unless `actual` has all that `expected` has, deeply; it may have more. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (!isObject(actual)) {
    throw new TypeError(
      `Cannot assertObjectMatch ${actual === null ? "null" : `type ${typeof actual}`}`,
    );
  }
  assertEquals(
    new Subset().of(actual, expected),
    new Subset().of(expected, expected),
    msg,
  );
}
