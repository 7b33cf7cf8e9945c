/**
 * Which directory of another operator passes a record on.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import { PROOF_HEADER, REGISTER_PATH } from "../protocol/directory_api.ts";
import { hasCode } from "../protocol/errors.ts";
import { unverifiedPayload } from "../protocol/jws.ts";
import { MAX_RECORD_BYTES } from "../protocol/limits.ts";
import type { DirectoryParts } from "./parts.ts";
import { useProof } from "./proofs.ts";

/** Who a proof says that it is of, before anything of it is believed. */
function claimedIssuer(proof: string): unknown {
  if (proof.length > MAX_RECORD_BYTES) return null;
  try {
    return (unverifiedPayload(proof) as { readonly iss?: unknown } | null)?.iss;
  } catch (error) {
    if (hasCode(error, "bad_request")) return null;
    throw error;
  }
}

/**
 * Which directory of the list passes a record on, by its proof.
 * @returns `null` where it is none of them, or does not prove it: then the request is anybody's.
 */
export async function passingPeer(
  parts: Pick<DirectoryParts, "clock" | "config" | "crypto" | "own" | "store">,
  request: { readonly headers: Headers; readonly body: Uint8Array },
): Promise<NodeId | null> {
  const proof = request.headers.get(PROOF_HEADER);
  if (proof === null) return null;
  const claimed = claimedIssuer(proof);
  if (!parts.config.peers?.some(({ id }) => id === claimed)) return null;
  try {
    return await useProof(parts, {
      method: "POST",
      path: REGISTER_PATH,
      proof,
      body: request.body,
    });
  } catch (error) {
    if (hasCode(error, "proof_invalid", "proof_replayed", "clock_skew")) return null;
    throw error;
  }
}
