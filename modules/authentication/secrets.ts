/**
 * Secrets that a browser holds, of which the node keeps a hash.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { SECRET_BYTES } from "../../protocol/sign_in_api.ts";
import type { ModuleContext } from "../api.ts";

/** What secrets are made with. */
export type SecretParts = Pick<ModuleContext, "random" | "signatures">;

/** 43 characters. */
export function makeSecret({ random }: Pick<ModuleContext, "random">): string {
  return encodeBase64Url(random.bytes(SECRET_BYTES));
}

/** SHA-256, base64url. A secret of 32 random bytes needs nothing slower. */
export async function hashSecret({ signatures }: SecretParts, secret: string): Promise<string> {
  if (signatures === null) throw new RangeError("Only a built-in module has hashes");
  return encodeBase64Url(await signatures.sha256(encodeUtf8(secret)));
}

/** Whether two texts are alike; takes the same time wherever they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [encodeUtf8(one), encodeUtf8(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
