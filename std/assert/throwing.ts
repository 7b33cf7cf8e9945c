import { stripVTControlCharacters } from "node:util";
import { AssertionError, suffix } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any
type ErrorConstructor<E> = abstract new (...args: any[]) => E;

interface Expectation<E> {
  readonly ErrorClass?: ErrorConstructor<E> | undefined;
  readonly msgIncludes?: string | undefined;
  readonly msg?: string | undefined;
}

/** Sorts out the two ways of calling. */
function readArguments<E>(
  classOrMsg: ErrorConstructor<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation<E> {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  return { ErrorClass: classOrMsg, msgIncludes, msg };
}

function includesText(message: string, expected: string): boolean {
  return stripVTControlCharacters(message).includes(stripVTControlCharacters(expected));
}

function checkError<E extends Error>(
  error: unknown,
  verb: "thrown" | "rejected",
  { ErrorClass, msgIncludes, msg }: Expectation<E>,
): void {
  if (ErrorClass === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${suffix(msg)}`);
  }
  if (!(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", ` +
        `but was "${error.constructor?.name}"${suffix(msg)}`,
      { cause: error },
    );
  }
  if (msgIncludes && !includesText(error.message, msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include ${JSON.stringify(msgIncludes)}, ` +
        `but got ${JSON.stringify(error.message)}${suffix(msg)}`,
      { cause: error },
    );
  }
}

/**
 * Throws unless `fn` throws.
 * @returns What it threw.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  classOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const expectation = readArguments(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    checkError(error, "thrown", expectation);
    return error;
  }
  throw new AssertionError(
    `Expected function to throw${suffix(expectation.msg)}`,
  );
}

/**
 * Throws unless the promise of `fn` rejects; an error thrown before there is one counts as failure.
 * @returns What it rejected with.
 */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const expectation = readArguments(classOrMsg, msgIncludes, msg);
  const promise = startPromise(fn, expectation.msg);
  try {
    await promise;
  } catch (error) {
    checkError(error, "rejected", expectation);
    return error;
  }
  throw new AssertionError(
    `Expected function to reject${suffix(expectation.msg)}`,
  );
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

function startPromise(
  fn: () => PromiseLike<unknown>,
  msg: string | undefined,
): PromiseLike<unknown> {
  let promise: unknown;
  let cause: unknown;
  try {
    promise = fn();
  } catch (error) {
    cause = error;
  }
  if (isPromiseLike(promise)) return promise;
  throw new AssertionError(
    `Function throws when expected to reject${suffix(msg)}`,
    { cause },
  );
}
