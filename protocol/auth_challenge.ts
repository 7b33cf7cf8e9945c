/**
 * Factors between nodes: `authentication.challenge` and what answers it (docs/PROTOCOL.md, "Factors").
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url } from "../crypto/encoding.ts";
import { type FactorLevel, factorLevelSchema, purposeSchema } from "./factor_level.ts";
import { jwsSchema } from "./jws.ts";
import { peerRefSchema } from "./peer_name.ts";
import { moduleNameSchema } from "./module_manifest.ts";
import { integerSchema, nodeIdSchema } from "./schemas.ts";
import { type FactorKind, givenFactorSchema } from "./sign_in_api.ts";

/** What an answer is signed as. */
export const FACTORS_TYPE = "openred-auth+jwt";

/** How long an answer may be good, in seconds. */
export const MAX_ANSWER_LIFE_SEC = 120;
export const NONCE_BYTES = 32;
const MAX_ANSWER_LENGTH = 2_048;

/** The kinds of factors that are good enough; recovery codes are for their owner alone. */
const ENOUGH: Readonly<Record<FactorLevel, readonly FactorKind[]>> = {
  presence: ["passkey", "totp", "password"],
  totp: ["passkey", "totp"],
  passkey: ["passkey"],
};

export function isEnough(level: FactorLevel, kind: string): boolean {
  return (ENOUGH[level] as readonly string[]).includes(kind);
}

const bytesTextSchema = v.pipe(
  v.string(),
  v.check((text) => decodeBase64Url(text)?.length === NONCE_BYTES, "32 bytes in base64url"),
);

/** The header members of the call. */
export const challengeHeaderSchema = v.looseObject({
  purpose: purposeSchema,
  level: factorLevelSchema,
  nonce: bytesTextSchema,
  module: moduleNameSchema,
});
export type ChallengeHeader = v.InferOutput<typeof challengeHeaderSchema>;

/** The header member of its answer. */
export const challengeAnswerSchema = v.looseObject({ proof: jwsSchema(MAX_ANSWER_LENGTH) });

/** What the answer says. */
export const factorsPayloadSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  aud: nodeIdSchema,
  nonce: bytesTextSchema,
  purpose: purposeSchema,
  module: moduleNameSchema,
  level: factorLevelSchema,
  factors: v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.minLength(1), v.maxLength(8)),
  iat: integerSchema,
  exp: integerSchema,
  /** SHA-256 of the session's binding. */
  sb: bytesTextSchema,
});

/** `POST /m/authentication/challenge`: asks a peer's owner. */
export const askFactorsSchema = v.strictObject({
  peer: peerRefSchema,
  level: factorLevelSchema,
  purpose: purposeSchema,
});

const numberSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** `POST /m/authentication/challenges/answer` and `POST /auth/v1/challenges/answer`. */
export const answerChallengeSchema = v.variant("approve", [
  v.strictObject({ id: numberSchema, approve: v.literal(true), factor: givenFactorSchema }),
  v.strictObject({ id: numberSchema, approve: v.literal(false) }),
]);

/** `POST /auth/v1/challenges/options`. */
export const challengeOptionsSchema = v.strictObject({ id: numberSchema });

/** `POST /m/authentication/mute`. */
export const mutePeerSchema = v.strictObject({ peer: peerRefSchema, muted: v.boolean() });

/** A peer that asks. */
export interface ChallengeView {
  readonly id: number;
  readonly peer: string;
  readonly petname: string | null;
  /** The peer's words. */
  readonly purpose: string;
  readonly level: FactorLevel;
  /** The module of the peer's node that asks. */
  readonly module: string;
  /** Milliseconds since the epoch. */
  readonly expires_at: number;
}

/** `GET /m/authentication/challenges` and `GET /auth/v1/challenges`. */
export interface ChallengesView {
  readonly challenges: readonly ChallengeView[];
}

/** What a peer's node said: that its owner has just shown factors. */
export interface ShownFactorsView {
  readonly peer: string;
  readonly level: FactorLevel;
  readonly factors: readonly string[];
}
