/**
 * Proofs: who asks, for exactly this request, once (docs/PROTOCOL.md, "Proof").
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import { PROOF_HEADER } from "../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../protocol/errors.ts";
import { MAX_RECORD_BYTES, PROOF_WINDOW_S } from "../protocol/limits.ts";
import { openProof, type Proof } from "../protocol/statements.ts";
import type { DirectoryParts } from "./parts.ts";

/** One request as its proof must describe it. */
export interface ProvenRequest {
  readonly method: string;
  /** The path alone; the proof names the directory's URL and this. */
  readonly path: string;
  /** The header's text, or `null` if there was none. */
  readonly proof: string | null;
  /** The exact bytes of the body. */
  readonly body: Uint8Array;
}

/** A proof used at the very second that a memory began is new a second later. */
const REPLAYED_RETRY_MS = 1_000;

function invalid(message: string, cause?: unknown): OpenRedError {
  return new OpenRedError("proof_invalid", message, { cause });
}

async function readProof(
  parts: Pick<DirectoryParts, "crypto">,
  text: string | null,
): Promise<Proof> {
  if (text === null) throw invalid(`The header ${PROOF_HEADER} is missing`);
  if (text.length > MAX_RECORD_BYTES) throw invalid("The proof is too long");
  try {
    return await openProof(parts.crypto, text);
  } catch (cause) {
    if (hasCode(cause, "bad_request", "unsupported", "bad_signature")) {
      throw invalid("The proof does not hold", cause);
    }
    throw cause;
  }
}

/**
 * Checks the proof of a request and uses it up.
 * @returns The id of the requester.
 * @throws {OpenRedError} `proof_invalid`, `clock_skew` (with `now_at`) or `proof_replayed`.
 */
export async function useProof(
  parts: Pick<DirectoryParts, "clock" | "crypto" | "own" | "store">,
  request: ProvenRequest,
): Promise<NodeId> {
  const proof = await readProof(parts, request.proof);
  if (proof.htm !== request.method) throw invalid("Member htm of the proof is not the method");
  if (proof.htu !== parts.own.apiUrl + request.path) {
    throw invalid("Member htu of the proof is not the directory's URL and this path");
  }
  const bodyHash = await parts.crypto.sha256(request.body);
  if (encodeBase64Url(proof.bh) !== encodeBase64Url(bodyHash)) {
    throw invalid("Member bh of the proof is not the hash of the body");
  }
  const nowMs = parts.clock.nowMs();
  if (Math.abs(Math.floor(nowMs / 1000) - proof.iat) > PROOF_WINDOW_S) {
    throw new OpenRedError("clock_skew", "The proof was not made within 60 s of this clock", {
      members: { now_at: nowMs },
    });
  }
  const jti = encodeBase64Url(proof.jti);
  if (!await parts.store.claimProof({ jti, iatSec: proof.iat, nowMs })) {
    throw new OpenRedError("proof_replayed", "The proof was used before, or may have been", {
      retryAfterMs: REPLAYED_RETRY_MS,
    });
  }
  return proof.iss;
}
