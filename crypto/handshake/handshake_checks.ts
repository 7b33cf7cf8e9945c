/**
 * Checks of what callers hand to a handshake. All throw {@linkcode CryptoError} `bad_argument`.
 *
 * @module
 */
import type { CallArgument } from "../bridge/calls.ts";
import { checkInteger, checkNumber, checkText, MAX_INSTANT_MS } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { Half } from "../pairs/half.ts";
import { MAX_LIFE_MS, MAX_RECORD_LENGTH, MIN_LIFE_MS } from "./handshake_payload.ts";
import { CryptoError, type KeyRef, type Suite, SUITES } from "../interface.ts";
import { isBuiltInMethod } from "../pairs/methods.ts";

/** Looks up the half of a handshake, which has to fit the side it is used on. */
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
  if (!isBuiltInMethod(half.info.method)) {
    throw new CryptoError("bad_argument", "Expected a half of a built-in method");
  }
  return half;
}

export function checkRecordText(record: string): void {
  checkText(record, MAX_RECORD_LENGTH, "a record");
}

export function checkSuccession(succession: string | undefined): void {
  if (succession !== undefined) checkText(succession, MAX_RECORD_LENGTH, "a succession");
}

export function checkAccept(options: CallArgument<"acceptHandshake">): void {
  checkRecordText(options.record);
  checkNumber(options.nowMs, "nowMs");
  checkInteger(options.lifeMs, MAX_LIFE_MS, "lifeMs");
  if (options.lifeMs < MIN_LIFE_MS) {
    throw new CryptoError("bad_argument", `Expected lifeMs to be at least ${MIN_LIFE_MS}`);
  }
  checkInteger(options.next.issuedAt, MAX_INSTANT_MS, "issuedAt");
  if (!isBuiltInMethod(options.next.method)) {
    throw new CryptoError("bad_argument", "Expected one of the built-in methods");
  }
}
