/**
 * The JSON payloads of the two handshake messages.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import { encodeBase64Url, encodeUtf8 } from "../encoding.ts";
import { MAX_INSTANT_MS } from "../primitives/checks.ts";
import { isModuleMethodName, type NextPairs, type Suite } from "../interface.ts";
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from "../primitives/mlkem.ts";
import { isBuiltInMethod } from "../pairs/methods.ts";
import { PayloadReader } from "../primitives/payload_reader.ts";

const TOKEN_BYTES = 32;
const MAX_METHOD_LENGTH = 64;
export const MAX_RECORD_LENGTH = 2 * 1024;
export const MIN_LIFE_MS = 60_000;
export const MAX_LIFE_MS = 86_400_000;

const MEMBERS_1 = ["token", "kem_key", "record", "succession"] as const;
const MEMBERS_2 = ["token", "kem_ciphertext", "life_ms", "next", "record"] as const;
const MEMBERS_NEXT = ["method", "issued_at"] as const;

/** Whether a suite has the ML-KEM part. */
export function isHybrid(suite: Suite): boolean {
  return suite === "ik-x25519-mlkem768";
}

/** Writes the payload of message 1; the caller wipes it. */
export function encodeMessage1(
  options: {
    token: Uint8Array;
    kemKey: Uint8Array | null;
    record: string;
    succession: string | undefined;
  },
): Uint8Array {
  const { token, kemKey, record, succession } = options;
  return encodeUtf8(JSON.stringify({
    token: encodeBase64Url(token),
    kem_key: kemKey === null ? undefined : encodeBase64Url(kemKey),
    record,
    succession,
  }));
}

/** @throws {CryptoError} `handshake_failed`. */
export function decodeMessage1(
  payload: Uint8Array,
  suite: Suite,
): { token: Uint8Array; kemKey: Uint8Array | null; record: string; succession: string | null } {
  const reader = PayloadReader.decode(payload, { known: MEMBERS_1, code: "handshake_failed" });
  return {
    kemKey: isHybrid(suite) ? reader.bytes("kem_key", KEM_PUBLIC_KEY_BYTES) : null,
    record: reader.text("record", { maxLength: MAX_RECORD_LENGTH }),
    succession: reader.has("succession")
      ? reader.text("succession", { maxLength: MAX_RECORD_LENGTH })
      : null,
    token: reader.bytes("token", TOKEN_BYTES),
  };
}

/** Writes the payload of message 2; the caller wipes it. */
export function encodeMessage2(
  options: {
    token: Uint8Array;
    kemCiphertext: Uint8Array | null;
    lifeMs: number;
    next: NextPairs;
    record: string;
  },
): Uint8Array {
  const { token, kemCiphertext, lifeMs, next, record } = options;
  return encodeUtf8(JSON.stringify({
    token: encodeBase64Url(token),
    kem_ciphertext: kemCiphertext === null ? undefined : encodeBase64Url(kemCiphertext),
    life_ms: lifeMs,
    next: { method: next.method, issued_at: next.issuedAt },
    record,
  }));
}

function readNext(reader: PayloadReader): NextPairs {
  const next = reader.object("next", MEMBERS_NEXT);
  const method = next.text("method", { maxLength: MAX_METHOD_LENGTH });
  if (!isBuiltInMethod(method) && !isModuleMethodName(method)) return next.refuse("method");
  return { method, issuedAt: next.integer("issued_at", { min: 0, max: MAX_INSTANT_MS }) };
}

/** @throws {CryptoError} `handshake_failed`. */
export function decodeMessage2(
  payload: Uint8Array,
  suite: Suite,
): {
  token: Uint8Array;
  kemCiphertext: Uint8Array | null;
  lifeMs: number;
  next: NextPairs;
  record: string;
} {
  const reader = PayloadReader.decode(payload, { known: MEMBERS_2, code: "handshake_failed" });
  return {
    kemCiphertext: isHybrid(suite) ? reader.bytes("kem_ciphertext", KEM_CIPHERTEXT_BYTES) : null,
    lifeMs: reader.integer("life_ms", { min: MIN_LIFE_MS, max: MAX_LIFE_MS }),
    next: readNext(reader),
    record: reader.text("record", { maxLength: MAX_RECORD_LENGTH }),
    token: reader.bytes("token", TOKEN_BYTES),
  };
}
