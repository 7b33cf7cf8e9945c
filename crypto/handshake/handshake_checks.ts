/**
 * Checks of what callers hand to a handshake. All throw {@linkcode CryptoError}: `bad_argument`, or what they say.
 *
 * @module
 */
import type { CallArgument } from "../bridge/calls.ts";
import {
  checkByteArray,
  checkInteger,
  checkNumber,
  checkText,
  MAX_INSTANT_MS,
} from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { Half } from "../pairs/half.ts";
import { MAX_LIFE_MS, MAX_RECORD_LENGTH, MIN_LIFE_MS } from "./handshake_payload.ts";
import { CryptoError, type KeyRef, type Suite, SUITES } from "../interface.ts";

/** Beyond what a request's body may hold. */
const MAX_NOISE_BYTES = 16 * 1024;

/** Ends a handshake that does not hold. */
export function fail(reason: string): never {
  throw new CryptoError("handshake_failed", reason);
}

/** @throws {CryptoError} `handshake_failed` for a message longer than any request. */
export function checkMessage(noise: Uint8Array): void {
  checkByteArray(noise, "a Noise message");
  if (noise.length > MAX_NOISE_BYTES) fail("The message is too long");
}

/** @throws {CryptoError} `method_unknown` for a method that neither is built in nor one of a module in use. */
function checkMethod(parts: CoreParts, method: string): void {
  if (parts.permutations.serves(method)) return;
  throw new CryptoError("method_unknown", "The method is not in use here");
}

/**
 * Looks up the half of a handshake, which has to fit the side it is used on.
 * @throws {CryptoError} `method_unknown`.
 */
export function halfFor(
  parts: CoreParts,
  options: { half: KeyRef; suite: Suite; role: "initiator" | "responder" },
): Half {
  if (!SUITES.includes(options.suite)) {
    throw new CryptoError("bad_argument", "Expected one of the suites");
  }
  const half = parts.ring.get(options.half, Half);
  if (half.info.role !== options.role) {
    throw new CryptoError("bad_argument", `Expected a half of an ${options.role}`);
  }
  checkMethod(parts, half.info.method);
  return half;
}

export function checkRecordText(record: string): void {
  checkText(record, MAX_RECORD_LENGTH, "a record");
}

export function checkSuccession(succession: string | undefined): void {
  if (succession !== undefined) checkText(succession, MAX_RECORD_LENGTH, "a succession");
}

/** @throws {CryptoError} `method_unknown`. */
export function checkAccept(parts: CoreParts, options: CallArgument<"acceptHandshake">): void {
  checkRecordText(options.record);
  checkNumber(options.nowMs, "nowMs");
  checkInteger(options.lifeMs, MAX_LIFE_MS, "lifeMs");
  if (options.lifeMs < MIN_LIFE_MS) {
    throw new CryptoError("bad_argument", `Expected lifeMs to be at least ${MIN_LIFE_MS}`);
  }
  checkInteger(options.next.issuedAt, MAX_INSTANT_MS, "issuedAt");
  checkMethod(parts, options.next.method);
}
