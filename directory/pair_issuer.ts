/**
 * Making a pair and the two envelopes that carry its halves (docs/PROTOCOL.md, "Delivery").
 *
 * @module
 */
import { commonMethods } from "../crypto/common_methods.ts";
import { encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import {
  CRYPTO_METHODS,
  CryptoError,
  type IssuedPair,
  type OpenedKeystore,
} from "../crypto/interface.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { PAIR_LIFE_MS } from "../protocol/limits.ts";
import type { DirectoryParts } from "./parts.ts";

const HOUR_MS = 3_600_000;

/** One of the two nodes, as its record describes it. */
export interface PairNode {
  readonly id: NodeId;
  readonly record: string;
  readonly noiseKey: Uint8Array;
  readonly methods: readonly string[];
}

/** A pair, sealed to its two nodes. */
export interface IntroducedPair {
  /** base64url, 16 bytes. */
  readonly pairId: string;
  readonly method: string;
  readonly epoch: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly envelopeA: string;
  readonly envelopeB: string;
}

interface PairTimes {
  readonly method: string;
  readonly epoch: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

type IssuerParts = Pick<DirectoryParts, "clock" | "config" | "crypto" | "metrics" | "own">;

async function pickMethod(
  parts: IssuerParts,
  options: { readonly a: PairNode; readonly b: PairNode; readonly issuedAt: number },
): Promise<string> {
  const common = commonMethods(options.a.methods, options.b.methods);
  const methods = common.filter((name) => (CRYPTO_METHODS as readonly string[]).includes(name));
  if (methods.length === 0) {
    throw new OpenRedError("method_none", "The two records have no method in common");
  }
  const policy = parts.config.rotation;
  return await parts.crypto.selectMethod({ timestampMs: options.issuedAt, policy, methods });
}

/**
 * Makes the pair. No half can be sealed to a noise key of low order, which a record may well hold.
 * @throws {OpenRedError} `bad_request` for such a key of the requester, `target_unreachable` for one of its target.
 */
async function sealPair(
  parts: IssuerParts,
  options: { readonly a: PairNode; readonly b: PairNode } & PairTimes,
): Promise<IssuedPair> {
  const { keys, id: issuer } = parts.own;
  const [{ key: noiseKey, publicKey }] = keys.noiseKeys as [OpenedKeystore["noiseKeys"][number]];
  const issue = (noiseKeyOfB: Uint8Array) =>
    parts.crypto.issuePair({
      ...options,
      noiseKey,
      issuer,
      b: { ...options.b, noiseKey: noiseKeyOfB },
    });
  try {
    return await issue(options.b.noiseKey);
  } catch (cause) {
    if (!isLowOrder(cause)) throw cause;
    // Sealed to a good key instead, the pair fails again only if it is the requester's key that is bad.
    await issue(publicKey).catch((error: unknown) => {
      if (!isLowOrder(error)) throw error;
      throw new OpenRedError("bad_request", "The requester's noise key is of low order", { cause });
    });
    throw new OpenRedError("target_unreachable", "The target's noise key is of low order", {
      cause,
    });
  }
}

function isLowOrder(error: unknown): boolean {
  return error instanceof CryptoError && error.code === "handshake_failed";
}

/**
 * Issues a pair to `a`, its initiator, and `b`.
 * @throws {OpenRedError} `method_none`, or as {@linkcode sealPair}.
 */
export async function issuePair(
  parts: IssuerParts,
  nodes: { readonly a: PairNode; readonly b: PairNode },
): Promise<IntroducedPair> {
  const { a, b } = nodes;
  const issuedAt = parts.clock.nowMs();
  const expiresAt = issuedAt + PAIR_LIFE_MS;
  const method = await pickMethod(parts, { a, b, issuedAt });
  const epoch = Math.floor(issuedAt / HOUR_MS);
  const { keys, id } = parts.own;
  const times = { method, epoch, issuedAt, expiresAt };
  const pair = await sealPair(parts, { ...times, a, b });
  const pairId = encodeBase64Url(pair.pairId);
  const sign = (audience: NodeId, noise: Uint8Array) =>
    parts.crypto.signJws({
      key: keys.identity,
      typ: "openred-pair+jwt",
      payload: JSON.stringify({
        v: 3,
        iss: id,
        aud: audience,
        pair_id: pairId,
        iat: Math.floor(issuedAt / 1000),
        exp: Math.floor(expiresAt / 1000),
        noise: encodeBase64Url(noise),
      }),
    });
  const [envelopeA, envelopeB] = await Promise.all([
    sign(a.id, pair.noiseA),
    sign(b.id, pair.noiseB),
  ]);
  parts.metrics.count("openred_pairs_issued_total", { method });
  return { pairId, ...times, envelopeA, envelopeB };
}
