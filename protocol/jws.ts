/**
 * Signed texts on a wire: their form, and what the crypto core says of their signature.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url } from "../crypto/encoding.ts";
import { type CryptoCore, CryptoError, type JwsType } from "../crypto/interface.ts";
import { OpenRedError } from "./errors.ts";
import { parseJson } from "./schemas.ts";

/** A compact JWS of at most `maxLength` characters: only its alphabet is checked. */
export function jwsSchema(maxLength: number) {
  return v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/),
  );
}

/**
 * Reads the payload of a compact JWS without verifying anything.
 * @throws {OpenRedError} `bad_request`.
 */
export function unverifiedPayload(text: string): unknown {
  const [, payload] = text.split(".");
  const bytes = payload === undefined ? null : decodeBase64Url(payload);
  if (bytes === null) throw new OpenRedError("bad_request", "The text is not a compact JWS");
  return parseJson(bytes);
}

/**
 * Checks header, signature and `kid` = `iss` of a compact JWS.
 * @throws {OpenRedError} `bad_signature`.
 */
export async function verifySignature(
  crypto: Pick<CryptoCore, "verifyJws">,
  jws: { readonly text: string; readonly typ: JwsType },
): Promise<void> {
  try {
    await crypto.verifyJws(jws);
  } catch (cause) {
    if (cause instanceof CryptoError && cause.code === "bad_signature") {
      throw new OpenRedError("bad_signature", `The signature does not hold (${jws.typ})`, {
        cause,
      });
    }
    throw cause;
  }
}
