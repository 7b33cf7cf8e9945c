/**
 * Checks of what callers hand to the core. All throw {@linkcode CryptoError} `bad_argument`.
 *
 * @module
 */
import { CryptoError } from "../interface.ts";

/** The last instant whose 30 days later is still an exact number. */
export const MAX_INSTANT_MS = Number.MAX_SAFE_INTEGER - 30 * 24 * 3_600_000;

/** The last instant that a `Date` can hold. */
export const MAX_DATE_MS = 8.64e15;

/** Returns a copy-free view of a byte array of exactly `length` bytes. */
export function checkBytes(value: Uint8Array, length: number, name: string): Uint8Array {
  checkByteArray(value, name);
  if (value.length !== length) {
    throw new CryptoError(
      "bad_argument",
      `Expected ${name} of ${length} bytes, received ${value.length}`,
    );
  }
  return value;
}

/** Checks that a value is a byte array, of any length. */
export function checkByteArray(value: Uint8Array, name: string): void {
  if (!(value instanceof Uint8Array)) {
    throw new CryptoError("bad_argument", `Expected ${name} to be bytes`);
  }
}

/** Checks for a text of at most `maxLength` UTF-16 units. */
export function checkText(value: string, maxLength: number, name: string): void {
  if (typeof value !== "string" || value.length > maxLength) {
    throw new CryptoError(
      "bad_argument",
      `Expected ${name} to be a text of at most ${maxLength} characters`,
    );
  }
}

/** Checks for an integer from 0 to `max`. */
export function checkInteger(value: number, max: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new CryptoError("bad_argument", `Expected ${name} to be an integer from 0 to ${max}`);
  }
}

/** Checks for a finite number, such as a monotonic clock's. */
export function checkNumber(value: number, name: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new CryptoError("bad_argument", `Expected ${name} to be a finite number`);
  }
}

/** Turns whatever a call threw into the one error class that leaves the core. */
export function toCryptoError(error: unknown): CryptoError {
  if (error instanceof CryptoError) return error;
  if (error instanceof RangeError || error instanceof TypeError) {
    return new CryptoError("bad_argument", error.message, { cause: error });
  }
  return new CryptoError("core_failed", "The crypto core failed", { cause: error });
}
