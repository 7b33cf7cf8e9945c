/**
 * How a node, or a directory, proves to a command that it is the one whose token stands in `admin.json`, before it is shown the token or
 * anything else: one that was killed leaves its file, and its port to whoever takes it.
 *
 * @module
 */
import * as v from "valibot";
import { encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { OpenRedError } from "./errors.ts";
import { jsonResponse, queryOf } from "./http.ts";
import { bytesSchema, parseInput, parseJson } from "./schemas.ts";
import { isMac, MAC_BYTES, makeMac } from "./shown_secret.ts";

/** `GET`, with a query `nonce`: 16 fresh bytes, base64url. Answered without a token. */
export const ADMIN_PROOF_PATH = "/admin/v1/proof";
export const ADMIN_NONCE_BYTES = 16;
/** Keeps a proof from being taken for anything else that is made with the token. */
const LABEL = encodeUtf8("openred-admin-proof\0");

const adminProofQuerySchema = v.strictObject({ nonce: bytesSchema(ADMIN_NONCE_BYTES) });

/** The answer: 32 bytes, base64url. */
const adminProofSchema = v.object({ proof: bytesSchema(MAC_BYTES) });

function proven(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LABEL.length + nonce.length);
  bytes.set(LABEL);
  bytes.set(nonce, LABEL.length);
  return bytes;
}

/** @returns HMAC-SHA256 of a label and the nonce under the token: 32 bytes. @param nonce 16 bytes. */
export async function makeAdminProof(token: string, nonce: Uint8Array): Promise<Uint8Array> {
  return await makeMac(encodeUtf8(token), proven(nonce));
}

/** Whether a proof was made with this token for this nonce. Takes the same time for every wrong one. */
export async function isAdminProof(
  token: string,
  given: { readonly nonce: Uint8Array; readonly proof: Uint8Array },
): Promise<boolean> {
  const { nonce, proof } = given;
  return await isMac(encodeUtf8(token), { mac: proof, content: proven(nonce) });
}

/**
 * Shows whoever knows the token that this program does.
 * @param request A `GET` of {@linkcode ADMIN_PROOF_PATH}.
 * @throws {OpenRedError} `method_not_allowed`, `bad_request`.
 */
export async function answerAdminProof(request: Request, token: string): Promise<Response> {
  if (request.method !== "GET") {
    throw new OpenRedError("method_not_allowed", "This path takes GET");
  }
  const { nonce } = parseInput(adminProofQuerySchema, Object.fromEntries(queryOf(request)));
  return jsonResponse({ proof: encodeBase64Url(await makeAdminProof(token, nonce)) });
}

/** What the other end is asked before it is sent anything else. @param nonce 16 fresh bytes. */
export function adminChallenge(token: string, nonce: Uint8Array): {
  readonly path: string;
  readonly isRight: (body: Uint8Array) => Promise<boolean>;
} {
  return {
    path: `${ADMIN_PROOF_PATH}?nonce=${encodeBase64Url(nonce)}`,
    isRight: async (body) => {
      const answer = v.safeParse(adminProofSchema, jsonOf(body));
      if (!answer.success) return false;
      return await isAdminProof(token, { nonce, proof: answer.output.proof });
    },
  };
}

/** `null` for what is no JSON. */
function jsonOf(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}
