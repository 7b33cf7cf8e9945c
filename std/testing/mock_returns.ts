import { MockError } from "./spy.ts";

type Item<T> = T | Error;

/** Makes a function that returns what it was called on. */
export function returnsThis<Self, Args extends unknown[]>(): (
  this: Self,
  ...args: Args
) => Self {
  return function (this: Self): Self {
    return this;
  };
}

/** Makes a function that returns one of its arguments. */
export function returnsArg<Arg, Self>(
  index: number,
): (this: Self, ...args: Arg[]) => Arg {
  return (...args) => args[index] as Arg;
}

/** Makes a function that returns its arguments, or those from a start to an end. */
export function returnsArgs<Args extends unknown[], Self>(
  start = 0,
  end?: number,
): (this: Self, ...args: Args) => Args {
  return (...args) => args.slice(start, end) as Args;
}

function countCalls(calls: number): string {
  return `Not expected to be called more than ${calls} time${calls === 1 ? "" : "s"}`;
}

/** Makes a function that returns one value after the other, and throws those that are errors. */
export function returnsNext<Return, Self, Args extends unknown[]>(
  values: Iterable<Item<Return>>,
): (this: Self, ...args: Args) => Return {
  const iterator = values[Symbol.iterator]();
  let calls = 0;
  return () => {
    const { done, value } = iterator.next();
    if (done) throw new MockError(countCalls(calls));
    calls++;
    if (value instanceof Error) throw value;
    return value;
  };
}

/** Makes a function whose promises settle to one value after the other; errors reject. */
export function resolvesNext<Return, Self, Args extends unknown[]>(
  values:
    | Iterable<Item<Return> | Promise<Item<Return>>>
    | AsyncIterable<Item<Return> | Promise<Item<Return>>>,
): (this: Self, ...args: Args) => Promise<Return> {
  const iterator = Symbol.asyncIterator in values
    ? values[Symbol.asyncIterator]()
    : values[Symbol.iterator]();
  let calls = 0;
  return async () => {
    const { done, value } = await iterator.next();
    if (done) throw new MockError(countCalls(calls));
    calls++;
    const settled = await value;
    if (settled instanceof Error) throw settled;
    return settled;
  };
}
