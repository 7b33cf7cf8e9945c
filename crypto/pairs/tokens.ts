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
import { reverseTransform, transform, type TransformInput } from "./methods.ts";

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

/** The root of a pair, 32 bytes, made from its key of 32 random bytes. */
export function rootOf(hashes: TokenHashes, pair: PairContext, key: Uint8Array): Uint8Array {
  return macOfPair(hashes, pair, { key, label: "openred/v3/pair" });
}

/** What tells whoever opened a token that it holds the right root, 32 bytes. */
export function checkOf(hashes: TokenHashes, pair: PairContext, root: Uint8Array): Uint8Array {
  return macOfPair(hashes, pair, { key: root, label: "openred/v3/check" });
}

/** What the token of one role depends on, besides the root. `salt` is that token's, 32 bytes. */
export function tokenInput(
  pair: PairContext,
  { role, salt }: { readonly role: "initiator" | "responder"; readonly salt: Uint8Array },
): TransformInput {
  const { method, issuedAt, idA, idB } = pair;
  return role === "initiator"
    ? { method, salt, variant: "variant_alpha", nodeId: idA, issuedAt }
    : { method, salt, variant: "variant_beta", nodeId: idB, issuedAt };
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
  const root = rootOf(hashes, pair, key);
  return {
    tokenA: transform(hashes, tokenInput(pair, { role: "initiator", salt: saltA }), root),
    tokenB: transform(hashes, tokenInput(pair, { role: "responder", salt: saltB }), root),
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
  const input = tokenInput(pair, { role: match.peerRole, salt: match.peerSalt });
  const root = reverseTransform(hashes, input, match.peerToken);
  const check = checkOf(hashes, pair, root);
  if (equalBytes(check, match.check)) return root;
  wipe(root);
  return null;
}
