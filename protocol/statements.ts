/**
 * The signed statements beside the record: proof, identity, succession and pair.
 *
 * @module
 */
import * as v from "valibot";
import { decodeNodeId, encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../crypto/interface.ts";
import { OpenRedError } from "./errors.ts";
import { unverifiedPayload, verifySignature } from "./jws.ts";
import { MAX_ENVELOPE_BYTES, MAX_URL_BYTES } from "./limits.ts";
import {
  bytesSchema,
  integerSchema,
  maxBytesSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "./schemas.ts";

/** Of the random id by which a proof is used once. */
export const PROOF_JTI_BYTES = 16;

const proofSchema = v.looseObject({
  iss: nodeIdSchema,
  htm: v.pipe(v.string(), v.maxLength(16)),
  htu: v.pipe(v.string(), v.maxLength(2 * MAX_URL_BYTES)),
  iat: integerSchema,
  jti: bytesSchema(PROOF_JTI_BYTES),
  bh: bytesSchema(32),
  must: v.optional(namesSchema),
});

/** The payload of the header `OpenRed-Proof` (docs/PROTOCOL.md, "Proof"). */
export type Proof = v.InferOutput<typeof proofSchema>;

const identityStatementSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  aud: nodeIdSchema,
  nonce: v.pipe(v.string(), v.length(22)),
  api_url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  noise_key: bytesSchema(32),
  iat: integerSchema,
  must: v.optional(namesSchema),
});

/** What a node says to a directory that calls it back. */
export type IdentityStatement = v.InferOutput<typeof identityStatementSchema>;

const successionSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  old: nodeIdSchema,
  iat: integerSchema,
  next: v.optional(bytesSchema(32)),
  must: v.optional(namesSchema),
});

/** One link of a succession: `iss` follows `old`. */
export type Succession = v.InferOutput<typeof successionSchema>;

const pairStatementSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  aud: nodeIdSchema,
  pair_id: bytesSchema(16),
  iat: integerSchema,
  exp: integerSchema,
  noise: maxBytesSchema(MAX_ENVELOPE_BYTES),
  must: v.optional(namesSchema),
});

/** The outside of an envelope. */
export type PairStatement = v.InferOutput<typeof pairStatementSchema>;

/**
 * Reads a proof, shape before signature.
 * @throws {OpenRedError} `bad_request`, `unsupported` or `bad_signature`; a directory answers each with
 *   `proof_invalid`.
 */
export async function openProof(
  crypto: Pick<CryptoCore, "verifyJws">,
  text: string,
): Promise<Proof> {
  const proof = parseGrowing(proofSchema, unverifiedPayload(text));
  await verifySignature(crypto, { text, typ: "openred-proof+jwt" });
  return proof;
}

/**
 * Signs a proof of a `POST`.
 * @param of `url`: where it is sent. `jti`: random bytes. `body`: the exact bytes that are sent.
 */
export async function signProof(
  crypto: Pick<CryptoCore, "sha256" | "signJws">,
  of: {
    readonly own: { readonly id: NodeId; readonly key: KeyRef };
    readonly url: string;
    readonly nowMs: number;
    readonly jti: Uint8Array;
    readonly body: Uint8Array;
  },
): Promise<string> {
  const payload = JSON.stringify({
    iss: of.own.id,
    htm: "POST",
    htu: of.url,
    iat: Math.floor(of.nowMs / 1000),
    jti: encodeBase64Url(of.jti),
    bh: encodeBase64Url(await crypto.sha256(of.body)),
  });
  return await crypto.signJws({ key: of.own.key, typ: "openred-proof+jwt", payload });
}

/** @throws {OpenRedError} `bad_request`, `unsupported` or `bad_signature`. */
export async function openIdentityStatement(
  crypto: Pick<CryptoCore, "verifyJws">,
  text: string,
): Promise<IdentityStatement> {
  const statement = parseGrowing(identityStatementSchema, unverifiedPayload(text));
  await verifySignature(crypto, { text, typ: "openred-identity+jwt" });
  return statement;
}

/** @throws {OpenRedError} `bad_request` or `unsupported`. */
export function decodePairStatement(text: string): PairStatement {
  return parseGrowing(pairStatementSchema, unverifiedPayload(text));
}

/**
 * The id that follows by a succession, which the caller has verified or takes for a mere claim.
 * @throws {OpenRedError} `bad_request` or `unsupported`.
 */
export function successorOf(text: string): NodeId {
  return parseGrowing(successionSchema, unverifiedPayload(text)).iss;
}

/**
 * Reads one link of a succession and judges it against the `next` pinned for its `old` id.
 * @param options `pinnedNext`: 32 bytes, the SHA-256 of the raw key that may follow.
 * @throws {OpenRedError} `bad_request`, `unsupported`, `bad_signature`, or `succession_refused` when the new key
 *   is not the pinned one.
 */
export async function openSuccession(
  crypto: Pick<CryptoCore, "verifyJws" | "sha256">,
  options: {
    readonly text: string;
    readonly pinnedNext: (old: NodeId) => Promise<Uint8Array | null>;
  },
): Promise<Succession> {
  const succession = parseGrowing(successionSchema, unverifiedPayload(options.text));
  await verifySignature(crypto, { text: options.text, typ: "openred-succession+jwt" });
  const pinned = await options.pinnedNext(succession.old);
  const newKey = decodeNodeId(succession.iss);
  if (pinned === null || newKey === null) {
    throw new OpenRedError("succession_refused", "No successor is pinned for the old id");
  }
  const hash = await crypto.sha256(newKey);
  if (!hash.every((byte, index) => byte === pinned[index])) {
    throw new OpenRedError("succession_refused", "The new key is not the pinned successor");
  }
  return succession;
}
