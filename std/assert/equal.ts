type Keyed = Readonly<Record<PropertyKey, unknown>>;

const TypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => ArrayLike<unknown>;

/** What Temporal has, by name; older runtimes have none of it unless they are asked to. */
const TEMPORAL_NAMES = [
  "Duration",
  "Instant",
  "PlainDate",
  "PlainDateTime",
  "PlainMonthDay",
  "PlainTime",
  "PlainYearMonth",
  "ZonedDateTime",
];

function temporalPrototypes(): unknown[] {
  const { Temporal } = globalThis as unknown as {
    Temporal?: Record<string, { prototype: unknown }>;
  };
  if (Temporal === undefined) return [];
  return TEMPORAL_NAMES.map((name) => Temporal[name]?.prototype);
}

/** Objects whose whole value is in their text. */
const TEXT_PROTOTYPES: ReadonlySet<unknown> = new Set([
  RegExp.prototype,
  URL.prototype,
  URLSearchParams.prototype,
  Intl.Locale.prototype,
  ...temporalPrototypes(),
]);

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function haveSamePrototype(a: object, b: object): boolean {
  const [first, second] = [a, b].map((x) => Object.getPrototypeOf(x) ?? Object.prototype);
  return first === second;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype;
}

/** Own keys and those of every prototype below `Object` and `Array`: getters live there. */
function keysOf(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  let at: object | null = value;
  while (at !== null && at !== Object.prototype && at !== Array.prototype) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
    at = Object.getPrototypeOf(at);
  }
  return keys;
}

function equalElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
  return true;
}

function refuseWeak(a: object): void {
  for (const Weak of [WeakMap, WeakSet]) {
    if (a instanceof Weak) {
      throw new TypeError(`Cannot compare ${Weak.name} instances`);
    }
  }
}

/** One comparison; remembers the pairs it is inside of, so that cycles end. */
class Comparison {
  readonly #seen = new Map<object, object>();

  compare(a: unknown, b: unknown): boolean {
    if (isSame(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    if (a instanceof Date && b instanceof Date) {
      return Object.is(a.getTime(), b.getTime());
    }
    if (!haveSamePrototype(a, b)) return false;
    if (a instanceof TypedArray) {
      return equalElements(a, b as ArrayLike<unknown>);
    }
    if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
      return equalElements(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
    }
    refuseWeak(a);
    if (a instanceof WeakRef) {
      return this.compare(a.deref(), (b as WeakRef<object>).deref());
    }
    if (this.#seen.get(a) === b) return true;
    if (Object.keys(a).length !== Object.keys(b).length) return false;
    this.#seen.set(a, b);
    if (a instanceof Map) return this.#compareMaps(a, b as Map<unknown, unknown>);
    if (a instanceof Set) return this.#compareSets(a, b as Set<unknown>);
    if (TEXT_PROTOTYPES.has(Object.getPrototypeOf(a))) {
      return String(a) === String(b);
    }
    return this.#compareMembers(a, b);
  }

  /** As in the real package, an object as a key may stand for several that are equal to it. */
  #compareMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const entries = [...b];
    const hasObjects = [...a.keys()].some((key) => !isPrimitive(key));
    return [...a].every(([key, value]) =>
      hasObjects
        ? entries.some((other) => this.compare(key, other[0]) && this.compare(value, other[1]))
        : b.has(key) && this.compare(value, b.get(key))
    );
  }

  /** The same goes for the members of a set. */
  #compareSets(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
    if (a.size !== b.size) return false;
    const members = [...b];
    const hasObjects = [...a].some((member) => !isPrimitive(member));
    return [...a].every((member) =>
      hasObjects ? members.some((other) => this.compare(member, other)) : b.has(member)
    );
  }

  #compareMembers(a: object, b: object): boolean {
    const keys = isPlain(a)
      ? new Set(Reflect.ownKeys({ ...a, ...b }))
      : new Set([...keysOf(a), ...keysOf(b)]);
    for (const key of keys) {
      if (!this.compare((a as Keyed)[key], (b as Keyed)[key])) return false;
      if (key in a !== key in b) return false;
    }
    return true;
  }
}

/** Tells whether two values are deeply equal; `0` equals `-0`, and `NaN` itself. */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().compare(a, b);
}
