/**
 * The admin API's part about tokens: what is public of each, and what their owner may do with them.
 *
 * @module
 */
import * as v from "valibot";
import { peerRefSchema } from "./peer_name.ts";

const pairSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/** `GET /admin/v1/tokens?peer=` or `?pair=`; the answer is a {@linkcode TokensView}. */
export const tokensQuerySchema = v.strictObject({
  peer: v.optional(peerRefSchema),
  pair: v.optional(pairSchema),
});

/** `POST /admin/v1/tokens/renew`; the answer is a `SessionView`. */
export const renewInputSchema = v.strictObject({
  peer: peerRefSchema,
  wait_ms: v.optional(
    v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(300_000)),
    0,
  ),
});

/** `POST /admin/v1/tokens/revoke`: a pair's id, hex, or a peer; the answer is a {@linkcode RevokedView}. */
export const revokeInputSchema = v.strictObject({ target: peerRefSchema });

/**
 * Where a token stands. `taken`: a handshake used it, its session is not confirmed yet. `unconfirmed`: the session
 * whose handshake left it is not. `ended`: past its end, and remembered.
 */
export type TokenState = "unused" | "taken" | "unconfirmed" | "spent" | "ended" | "revoked";

/** What is public of one token. */
export interface TokenView {
  /** Hex. */
  readonly pair_id: string;
  readonly peer: string;
  /** What this node's owner calls it. */
  readonly petname: string | null;
  /** A directory's id, or `peer`. */
  readonly issuer: string;
  /** This node's part in a handshake on it. */
  readonly role: "initiator" | "responder";
  readonly method: string;
  /** ⌊issued_at / 3,600,000⌋. */
  readonly epoch: number;
  readonly state: TokenState;
  /** Milliseconds since the epoch. */
  readonly issued_at: number;
  /** By this node's clock. */
  readonly ends_at: number;
  /** Negative once it has ended. */
  readonly ends_in_ms: number;
  /** How many first messages of handshakes were taken on it. */
  readonly handshakes: number;
  /** Hex; of the last session made from it. */
  readonly session_id: string | null;
  /** Hex; the session whose handshake left it, `null` for one of a directory. */
  readonly made_by: string | null;
}

/** The newest of each peer first. */
export interface TokensView {
  readonly tokens: readonly TokenView[];
}

export interface RevokedView {
  readonly peer: string;
  /** How many sessions were ended. */
  readonly sessions: number;
  /** How many tokens could still have been used. */
  readonly tokens: number;
}
