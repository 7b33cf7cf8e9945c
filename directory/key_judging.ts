/**
 * Whether a key lets a node in.
 *
 * @module
 */
import type { KeyRefusal } from "../protocol/directory_key.ts";
import type { FoundKey } from "./stores/store.ts";

/** Whom a key has let in it lets in again, as long as it is valid. @returns Why it does not, or `null`. */
export function judgeKey(key: FoundKey | null, nowMs: number): KeyRefusal | null {
  if (key === null) return "unknown";
  if (key.revokedAt !== null) return "revoked";
  if (key.expiresAt !== null && nowMs >= key.expiresAt) return "expired";
  return key.used >= key.uses && !key.isUser ? "used" : null;
}
