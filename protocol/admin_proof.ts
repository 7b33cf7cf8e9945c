/**
 * How a node proves to a command that it is the one whose token stands in `admin.json`, before it is shown the token or
 * anything else: a node that was killed leaves its file, and its port to whoever takes it.
 *
 * @module
 */
import * as v from "valibot";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { bytesSchema } from "./schemas.ts";

/** `GET`, with a query `nonce`: 16 fresh bytes, base64url. Answered without a token. */
export const ADMIN_PROOF_PATH = "/admin/v1/proof";
export const ADMIN_NONCE_BYTES = 16;
const PROOF_BYTES = 32;
/** Keeps a proof from being taken for anything else that is made with the token. */
const LABEL = encodeUtf8("openred-admin-proof\0");

export const adminProofQuerySchema = v.strictObject({ nonce: bytesSchema(ADMIN_NONCE_BYTES) });

/** The answer: 32 bytes, base64url. */
export const adminProofSchema = v.object({ proof: bytesSchema(PROOF_BYTES) });

function keyOf(token: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encodeUtf8(token), algorithm, false, ["sign", "verify"]);
}

function proven(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LABEL.length + nonce.length);
  bytes.set(LABEL);
  bytes.set(nonce, LABEL.length);
  return bytes;
}

/** @returns HMAC-SHA256 of a label and the nonce under the token: 32 bytes. @param nonce 16 bytes. */
export async function makeAdminProof(token: string, nonce: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(token), proven(nonce)));
}

/** Whether a proof was made with this token for this nonce. Takes the same time for every wrong one. */
export async function isAdminProof(
  token: string,
  given: { readonly nonce: Uint8Array; readonly proof: Uint8Array },
): Promise<boolean> {
  const { nonce, proof } = given;
  return await crypto.subtle.verify("HMAC", await keyOf(token), proof.slice(), proven(nonce));
}
