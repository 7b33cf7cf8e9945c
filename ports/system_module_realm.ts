/**
 * What stands in a module's own realm before its file runs. The functions here are not called: their text is run there,
 * so each may use only its arguments and what the language itself has.
 *
 * Whoever holds one object of another realm has that realm's `Function`, and with it everything there. So nothing but
 * plain values and the realm's own objects is ever within the file's reach, errors included.
 *
 * @module
 */

/** What the realm is given by the thread around it. None of them throws anything but a stack overflow. */
export interface RealmHost {
  /** Does what the present turn is for. */
  work(): void;
  /** @returns Whether it was taken. */
  post(bytes: unknown): boolean;
  fail(why: "load_failed" | "failed", detail: string): void;
  loaded(): void;
  startTimer(id: number, delayMs: number): void;
  stopTimer(id: number): void;
  /** @returns An array of the realm. */
  encode(text: string): Uint8Array;
  decode(bytes: unknown, fatal: boolean): string | null;
}

/** How the thread around it drives the realm, always within a turn. Each catches what the module throws. */
export interface Realm {
  /** @param main The value of the module's script. */
  run(main: unknown): void;
  deliver(bytes: Uint8Array): void;
  fire(timer: number): void;
  /** @param error What the module threw, or rejected, where nothing caught it. */
  refuse(error: unknown): void;
}

type Guest = (port: {
  post(bytes: Uint8Array): void;
  listen(listener: (bytes: Uint8Array) => void): void;
}) => (exported: unknown) => void;

/**
 * Leaves of the global object what is named here: the language, without code from texts, shared memory, and memory that
 * no limit counts. `FinalizationRegistry` is not left either: the engine calls back outside of any turn, where no limit
 * ends a loop, and prints what is thrown there as it is. Then locks the one place where the engine hands out objects of
 * another realm: the call sites that `Error.prepareStackTrace` is given.
 */
export function lockRealm(): void {
  const names = `
    globalThis undefined NaN Infinity isFinite isNaN parseFloat parseInt escape unescape decodeURI decodeURIComponent
    encodeURI encodeURIComponent Object Function Boolean Symbol Number BigInt Math Date String RegExp JSON Intl Temporal
    Array Map Set WeakMap WeakSet WeakRef Iterator Promise Proxy Reflect ArrayBuffer DataView
    Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array
    Float16Array Float32Array Float64Array Error AggregateError EvalError RangeError ReferenceError SyntaxError
    SuppressedError TypeError URIError DisposableStack AsyncDisposableStack`;
  const kept = new Set<PropertyKey>(names.split(/\s+/));
  const world = globalThis as unknown as Record<string, unknown>;
  for (const name of Reflect.ownKeys(world)) {
    if (!kept.has(name)) Reflect.deleteProperty(world, name);
  }
  const locked = { writable: false, enumerable: false, configurable: false };
  Object.defineProperty(Error, "prepareStackTrace", { value: undefined, ...locked });
  Object.defineProperty(world, "Error", { value: Error, ...locked });
}

/** Timers and text codecs, as everywhere else but for what modules hardly need. */
export function furnishRealm(host: RealmHost, maxTimers: number): (timer: number) => void {
  const world = globalThis as unknown as Record<string, unknown>;
  const timers = new Map<number, () => void>();
  let lastTimer = 0;
  // What the host throws would be an object of another realm.
  const ask = <T>(question: () => T): T | null => {
    try {
      return question();
    } catch {
      return null;
    }
  };
  world.setTimeout = (callback: unknown, delayMs?: unknown, ...values: unknown[]) => {
    if (typeof callback !== "function") throw new TypeError("Expected a function");
    if (timers.size >= maxTimers) throw new RangeError("There are too many timers");
    timers.set(++lastTimer, () => callback(...values));
    const delay = Number(delayMs ?? 0);
    ask(() => host.startTimer(lastTimer, delay > 0 ? delay : 0));
    return lastTimer;
  };
  world.clearTimeout = (timer: unknown) => {
    if (typeof timer === "number" && timers.delete(timer)) {
      ask(() => host.stopTimer(timer));
    }
  };
  world.TextEncoder = class TextEncoder {
    readonly encoding = "utf-8";
    encode(text: unknown = "") {
      const plain = `${text}`;
      const bytes = ask(() => host.encode(plain));
      if (bytes === null) throw new RangeError("The text could not be encoded");
      return bytes;
    }
  };
  world.TextDecoder = class TextDecoder {
    readonly encoding = "utf-8";
    readonly fatal: boolean;
    constructor(_label?: unknown, options?: { fatal?: unknown }) {
      this.fatal = options?.fatal === true;
    }
    decode(bytes?: unknown) {
      const { fatal } = this;
      const text = bytes === undefined ? "" : ask(() => host.decode(bytes, fatal === true));
      if (text === null) throw new TypeError("Expected a Uint8Array that holds UTF-8");
      return text;
    }
  };
  return (timer) => {
    const callback = timers.get(timer);
    timers.delete(timer);
    callback?.();
  };
}

/** Joins the file, the guest and the thread around them. */
export function openRealm(host: RealmHost, guest: Guest, fire: (timer: number) => void): Realm {
  let isRun = false;
  let listener: ((bytes: Uint8Array) => void) | null = null;
  const describe = (error: unknown) => {
    try {
      const { stack } = error as { stack?: unknown };
      const text = `${error}`;
      return typeof stack === "string" && stack.startsWith(text) ? stack : text;
    } catch {
      return "It cannot be shown what was thrown";
    }
  };
  const guarded = <T>(work: (value: T) => void) => (value: T) => {
    try {
      work(value);
    } catch (error) {
      host.fail("failed", describe(error));
    }
  };
  const takeExport = guest({
    post(bytes) {
      let taken = false;
      try {
        taken = host.post(bytes);
      } catch {
        // The error would be one of another realm.
      }
      if (!taken) throw new Error("The message was not taken");
    },
    listen(next) {
      listener = next;
    },
  });
  const run = async (main: unknown) => {
    try {
      const exported: { default?: unknown } = {};
      await (main as (exported: { default?: unknown }) => Promise<void>)(exported);
      takeExport(exported.default);
    } catch (error) {
      return host.fail("load_failed", describe(error));
    }
    host.loaded();
  };
  // The thread around it calls this by name, to have it timed. A module that calls it does nothing by that, and where
  // its stack is full it must not catch what the thread throws: the error would be one of another realm.
  const work = () => {
    try {
      host.work();
    } catch {
      throw new RangeError("The turn could not be brought to its end");
    }
  };
  const turn = { value: work, writable: false, configurable: false };
  Object.defineProperty(globalThis, "openred turn", turn);
  return {
    run(main) {
      isRun = true;
      void run(main);
    },
    refuse: (error) => host.fail(isRun ? "failed" : "load_failed", describe(error)),
    deliver: guarded((bytes) => listener?.(bytes)),
    fire: guarded(fire),
  };
}
