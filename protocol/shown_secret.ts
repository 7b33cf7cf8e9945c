/**
 * Secrets that are shown without being sent: named by a part of their hash, proven by a MAC under them.
 *
 * @module
 */
import * as v from "valibot";
import { encodeBase64Url } from "../crypto/encoding.ts";

const ID_BYTES = 8;
export const MAC_BYTES = 32;

/** What names a secret and gives nothing away of it. */
export const secretIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{11}$/));

/** @returns What names a secret: the first 8 bytes of its SHA-256, base64url. */
export async function secretId(secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", secret));
  return encodeBase64Url(hash.subarray(0, ID_BYTES));
}

function keyOf(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", secret, algorithm, false, ["sign", "verify"]);
}

/** @returns HMAC-SHA256 of a content under a secret: 32 bytes. */
export async function makeMac(
  secret: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(secret), content));
}

/** Whether a MAC was made under a secret of a content. Takes the same time for every wrong one. */
export async function isMac(
  secret: Uint8Array<ArrayBuffer>,
  { mac, content }: { readonly mac: Uint8Array; readonly content: Uint8Array<ArrayBuffer> },
): Promise<boolean> {
  return await crypto.subtle.verify("HMAC", await keyOf(secret), mac.slice(), content);
}
