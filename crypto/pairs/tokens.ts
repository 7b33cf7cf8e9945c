/**
 * Asymmetric token pairs: two different tokens made of one root, each to be opened only by the
 * other side.
 *
 * @module
 * @see docs/PROTOCOL.md, "Tokens"
 */
import { assertBytes, equalBytes, wipe } from "../primitives/bytes.ts";
import type { EncWriter } from "../primitives/enc_writer.ts";
import type { TokenHashes } from "../primitives/hashes.ts";
import { reverseTransform, transform } from "./methods.ts";

const TOKEN_BYTES = 32;
const PAIR_ID_BYTES = 16;

/** What both nodes of a pair know, and every value of the pair depends on. */
export interface PairContext {
  /** A directory's id, or `"peer"`. */
  readonly issuer: string;
  /** 16 bytes. */
  readonly pairId: Uint8Array;
  /** The initiator's id. */
  readonly idA: string;
  /** The responder's id. */
  readonly idB: string;
  readonly method: string;
  /** Milliseconds. */
  readonly issuedAt: number;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/** What only the issuer of a pair knows: 32 random bytes each. */
export interface PairSecrets {
  readonly key: Uint8Array;
  readonly saltA: Uint8Array;
  readonly saltB: Uint8Array;
}

/** A pair, 32 bytes each. The initiator gets `tokenA` and `saltB`, the responder the others. */
export interface TokenPair {
  readonly tokenA: Uint8Array;
  readonly tokenB: Uint8Array;
  readonly saltA: Uint8Array;
  readonly saltB: Uint8Array;
  readonly check: Uint8Array;
  readonly root: Uint8Array;
}

/** What a node compares: the token its peer showed, and its own half's other members. */
export interface TokenMatch {
  readonly peerToken: Uint8Array;
  readonly peerSalt: Uint8Array;
  readonly peerRole: "initiator" | "responder";
  readonly check: Uint8Array;
}

/** HMAC-SHA256(key, enc(label, ctx)). */
function macOfPair(
  hashes: TokenHashes,
  pair: PairContext,
  { key, label }: { key: Uint8Array; label: string },
): Uint8Array {
  const input = hashes.input().text(label).nested((ctx: EncWriter) =>
    ctx.text(pair.issuer).bytes(pair.pairId).text(pair.idA).text(pair.idB).text(pair.method)
      .integer(pair.issuedAt).integer(pair.expiresAt)
  );
  return hashes.hmacSha256(key, input.view());
}

function checkOf(hashes: TokenHashes, pair: PairContext, root: Uint8Array): Uint8Array {
  return macOfPair(hashes, pair, { key: root, label: "openred/v3/check" });
}

/**
 * Makes both tokens of a pair. The caller wipes `secrets`, `root` and what it does not keep.
 * @throws {CryptoError} `bad_argument` for a method that is not built in.
 * @throws {RangeError} On a secret or `pairId` of a wrong length.
 */
export function generateAsymmetricTokens(
  hashes: TokenHashes,
  pair: PairContext,
  secrets: PairSecrets,
): TokenPair {
  const { key, saltA, saltB } = secrets;
  assertBytes(key, TOKEN_BYTES, "the key of a root");
  assertBytes(pair.pairId, PAIR_ID_BYTES, "a pair id");
  const root = macOfPair(hashes, pair, { key, label: "openred/v3/pair" });
  const { method, issuedAt, idA, idB } = pair;
  const inputA = { method, salt: saltA, variant: "variant_alpha", nodeId: idA, issuedAt } as const;
  const inputB = { method, salt: saltB, variant: "variant_beta", nodeId: idB, issuedAt } as const;
  return {
    tokenA: transform(hashes, inputA, root),
    tokenB: transform(hashes, inputB, root),
    saltA,
    saltB,
    check: checkOf(hashes, pair, root),
    root,
  };
}

/**
 * Opens the peer's token and compares it with the pair's check value in constant time.
 * @returns The 32-byte root, the caller's to wipe; `null` if the token is not the peer's of this pair.
 * @throws {CryptoError} `bad_argument` for a method that is not built in.
 * @throws {RangeError} On a `peerSalt` or `pairId` of a wrong length.
 */
export function tokensMatch(
  hashes: TokenHashes,
  pair: PairContext,
  match: TokenMatch,
): Uint8Array | null {
  assertBytes(pair.pairId, PAIR_ID_BYTES, "a pair id");
  if (match.peerToken.length !== TOKEN_BYTES) return null;
  const isInitiator = match.peerRole === "initiator";
  const root = reverseTransform(hashes, {
    method: pair.method,
    salt: match.peerSalt,
    variant: isInitiator ? "variant_alpha" : "variant_beta",
    nodeId: isInitiator ? pair.idA : pair.idB,
    issuedAt: pair.issuedAt,
  }, match.peerToken);
  const check = checkOf(hashes, pair, root);
  if (equalBytes(check, match.check)) return root;
  wipe(root);
  return null;
}
