/**
 * Which method an issuer picks for a pair.
 *
 * @module
 * @see docs/PROTOCOL.md, "Rotation"
 */
import { enc } from "../encoding.ts";
import { MAX_DATE_MS } from "../primitives/checks.ts";
import type { Hashes } from "../primitives/hashes.ts";
import type { RotationPolicy } from "../interface.ts";

const HOUR_MS = 3_600_000;

export interface MethodSelection {
  /** Milliseconds since the Unix epoch. */
  readonly timestampMs: number;
  readonly policy: RotationPolicy;
  /** The methods both records list, in the order of `commonMethods`. */
  readonly methods: readonly string[];
}

function rotationCount(hashes: Hashes, timestampMs: number, policy: RotationPolicy): number {
  const date = new Date(timestampMs);
  switch (policy.kind) {
    case "hourly":
      return date.getUTCHours() + date.getUTCDate();
    case "daily":
      return date.getUTCDay();
    case "seeded": {
      const hours = Math.floor(timestampMs / HOUR_MS);
      const mac = hashes.hmacSha256(policy.seed, enc("openred/v3/rotation", hours));
      return new DataView(mac.buffer, mac.byteOffset).getUint32(0);
    }
  }
}

/**
 * Picks the method of a pair, in UTC.
 * @throws {RangeError} On an empty list, or a time that is not from 1970 on.
 */
export function selectCryptoMethod(hashes: Hashes, selection: MethodSelection): string {
  const { timestampMs, policy, methods } = selection;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0 || timestampMs > MAX_DATE_MS) {
    throw new RangeError("Expected a time in milliseconds since 1970");
  }
  const method = methods[rotationCount(hashes, timestampMs, policy) % methods.length];
  if (method === undefined) throw new RangeError("Expected at least one method");
  return method;
}
