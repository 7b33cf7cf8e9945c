// deno-lint-ignore-file no-explicit-any

/** Misuse of a spy or stub. */
export class MockError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MockError";
  }
}

/** One call that a spy has seen. */
export interface SpyCall<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> {
  args: Args;
  returned?: Return;
  error?: Error;
  self?: Self;
}

/** A function that remembers its calls. */
export interface Spy<Self = any, Args extends unknown[] = any[], Return = any> {
  (this: Self, ...args: Args): Return;
  original: (this: Self, ...args: Args) => Return;
  calls: SpyCall<Self, Args, Return>[];
  restored: boolean;
  restore(): void;
}

/** A spy in the place of a method. */
export interface MethodSpy<
  Self = any,
  Args extends unknown[] = any[],
  Return = any,
> extends Spy<Self, Args, Return>, Disposable {}

/** A method's replacement that remembers its calls. */
export interface Stub<Self = any, Args extends unknown[] = any[], Return = any>
  extends MethodSpy<Self, Args, Return> {
  fake: (this: Self, ...args: Args) => Return;
}

/** Anything that remembers calls. */
export type SpyLike<Self = any, Args extends unknown[] = any[], Return = any> = Spy<
  Self,
  Args,
  Return
>;

/** The parameters of a method. */
export type GetParametersFromProp<Self, Prop extends keyof Self> = Self[Prop] extends
  (...args: infer Args) => unknown ? Args : unknown[];

/** What a method returns. */
export type GetReturnFromProp<Self, Prop extends keyof Self> = Self[Prop] extends
  (...args: any[]) => infer Return ? Return : unknown;

type AnyFunction = (this: any, ...args: any[]) => any;

/** Wraps `run` so that every call is kept, with what came of it. */
function record(run: AnyFunction, calls: SpyCall[]): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const call: SpyCall = { args };
    if (this) call.self = this;
    try {
      call.returned = run.apply(this, args);
    } catch (error) {
      call.error = error as Error;
      throw error;
    } finally {
      calls.push(call);
    }
    return call.returned;
  };
}

function createFunctionSpy(original: AnyFunction = () => {}): Spy {
  const calls: SpyCall[] = [];
  return Object.assign(record(original, calls), {
    original,
    calls,
    restored: false,
    restore: () => {
      throw new MockError("Function cannot be restored");
    },
  });
}

function findMethod(self: any, property: PropertyKey): AnyFunction | undefined {
  const method = self[property];
  if (method !== undefined && typeof method !== "function") {
    throw new MockError("Cannot spy: property is not an instance method");
  }
  if (typeof method?.restore === "function" && Array.isArray(method.calls)) {
    throw new MockError("Cannot spy: already spying on instance method");
  }
  if (Object.getOwnPropertyDescriptor(self, property)?.configurable === false) {
    throw new MockError("Cannot spy: non-configurable instance method");
  }
  return method;
}

/** Puts a recorder of `run` in the place of a method, until it is restored. */
function replaceMethod(
  self: any,
  property: PropertyKey,
  run: AnyFunction,
): MethodSpy {
  const original = self[property];
  const former = Object.getOwnPropertyDescriptor(self, property);
  const calls: SpyCall[] = [];
  let restored = false;
  const replacement = record(run, calls) as MethodSpy;
  const restore = () => {
    if (restored) {
      throw new MockError("Cannot restore: instance method already restored");
    }
    if (former) Object.defineProperty(self, property, former);
    else delete self[property];
    restored = true;
  };
  Object.defineProperties(replacement, {
    original: { enumerable: true, value: original },
    calls: { enumerable: true, value: calls },
    restored: { enumerable: true, get: () => restored },
    restore: { enumerable: true, value: restore },
    [Symbol.dispose]: { value: restore },
  });
  Object.defineProperty(self, property, {
    configurable: true,
    enumerable: former?.enumerable ?? false,
    writable: former?.writable ?? false,
    value: replacement,
  });
  return replacement;
}

/** Makes a function that remembers its calls, or has a method do so. */
export function spy<
  Self = any,
  Args extends unknown[] = any[],
  Return = undefined,
>(): Spy<
  Self,
  Args,
  Return
>;
export function spy<Self, Args extends unknown[], Return>(
  func: (this: Self, ...args: Args) => Return,
): Spy<Self, Args, Return>;
export function spy<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): MethodSpy<
  Self,
  GetParametersFromProp<Self, Prop>,
  GetReturnFromProp<Self, Prop>
>;
export function spy(target?: any, property?: PropertyKey): any {
  if (property === undefined) return createFunctionSpy(target);
  const method = findMethod(target, property);
  if (method === undefined) {
    throw new MockError("Cannot spy: property is not an instance method");
  }
  return replaceMethod(target, property, method);
}

/** Replaces a method by `func`, or by one that does nothing. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
  func: (
    this: Self,
    ...args: GetParametersFromProp<Self, Prop>
  ) => GetReturnFromProp<Self, Prop>,
): Stub<Self, GetParametersFromProp<Self, Prop>, GetReturnFromProp<Self, Prop>>;
export function stub(
  self: any,
  property: PropertyKey,
  func: AnyFunction = () => {},
): any {
  findMethod(self, property);
  const replacement = replaceMethod(self, property, func);
  return Object.defineProperty(replacement, "fake", {
    enumerable: true,
    value: func,
  });
}
