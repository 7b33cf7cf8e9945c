/**
 * Keys and signatures of ACME: an account's key as JWK, and JWS in the flattened form (RFC 8555 §6.2, RFC 7638).
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** The key of an account. */
export interface AccountKey {
  readonly key: CryptoKey;
  /** Its public part, members in the order of RFC 7638. */
  readonly jwk: {
    readonly crv: string;
    readonly kty: string;
    readonly x: string;
    readonly y: string;
  };
  /** SHA-256 of that, base64url. */
  readonly thumbprint: string;
}

/** A new private key, as JWK. */
export async function makeAccountKey(): Promise<JsonWebKey> {
  const pair = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  return { kty, crv, x, y, d } as JsonWebKey;
}

/** @throws {DOMException} For a key that is none of this kind. */
export async function openAccountKey(stored: JsonWebKey): Promise<AccountKey> {
  const key = await crypto.subtle.importKey("jwk", stored, CURVE, false, ["sign"]);
  const { crv = "", kty = "", x = "", y = "" } = stored;
  const jwk = { crv, kty, x, y };
  const hash = await crypto.subtle.digest("SHA-256", encodeUtf8(JSON.stringify(jwk)));
  return { key, jwk, thumbprint: encodeBase64Url(new Uint8Array(hash)) };
}

function encodeJson(value: unknown): string {
  return encodeBase64Url(encodeUtf8(JSON.stringify(value)));
}

/** Signs a request. @param content `null` for one that only reads: an empty payload. */
export async function signRequest(
  account: AccountKey,
  { url, nonce, kid, content }: {
    readonly url: string;
    readonly nonce: string;
    /** The account's URL, once it has one. */
    readonly kid: string | null;
    readonly content: unknown;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const who = kid === null ? { jwk: account.jwk } : { kid };
  const signed = encodeJson({ alg: "ES256", ...who, nonce, url });
  const payload = content === null ? "" : encodeJson(content);
  const input = encodeUtf8(`${signed}.${payload}`);
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNATURE, account.key, input));
  const jws = { protected: signed, payload, signature: encodeBase64Url(signature) };
  return encodeUtf8(JSON.stringify(jws));
}
