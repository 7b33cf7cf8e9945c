/**
 * Memberships, `openred-group-member+jwt`: how somebody who was added says that they are in, or leave.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import * as v from "valibot";
import type { NodeId } from "../../../../crypto/encoding.ts";
import type { ModuleSignatures } from "../../../../modules/api.ts";
import { unverifiedPayload } from "../../../../protocol/jws.ts";
import {
  integerSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "../../../../protocol/schemas.ts";
import {
  checkLength,
  groupSchema,
  hashSchema,
  type LastOfRun,
  lastSchema,
  malformed,
  successionTextsSchema,
} from "./fields.ts";
import { MAX_MEMBERSHIP_BYTES } from "./limits.ts";
import { type KeyLine, openKeyLine } from "./successions.ts";

const TYPE = "openred-group-member+jwt";

const membershipSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  group: groupSchema,
  stm: hashSchema,
  in: v.boolean(),
  last: v.optional(lastSchema),
  succession: v.optional(successionTextsSchema),
  iat: integerSchema,
  must: v.optional(namesSchema),
});

/** A membership whose signature holds. Whether there is such a place is for the roster to say. */
export interface Membership {
  readonly text: string;
  readonly hash: string;
  readonly group: string;
  readonly iss: NodeId;
  /** The statement that added it. */
  readonly stm: string;
  readonly isIn: boolean;
  /** What counts of somebody who left, and of the keys that the signer followed. */
  readonly last: readonly LastOfRun[];
  /** How the signer's key follows from the one that was added; `null` if it is that one. */
  readonly line: KeyLine | null;
  /** Seconds. */
  readonly iat: number;
}

/**
 * Reads a membership, shape before signature.
 * @throws {OpenRedError} `too_large`, `bad_request`, `unsupported` or `bad_signature`.
 */
export async function openMembership(
  signatures: Pick<ModuleSignatures, "verify" | "sha256">,
  text: string,
): Promise<Membership> {
  checkLength(text, MAX_MEMBERSHIP_BYTES);
  const parsed = parseGrowing(membershipSchema, unverifiedPayload(text));
  const { group, stm, in: isIn, last, succession, iat } = parsed;
  const ends = !isIn || succession !== undefined;
  if (ends !== (last !== undefined)) {
    throw malformed("last is there where somebody leaves or follows, and nowhere else");
  }
  const { iss, hash } = await signatures.verify(TYPE, text);
  const line = succession === undefined
    ? null
    : await openKeyLine(signatures, { texts: succession, iss });
  return { text, hash, group, iss, stm, isIn, last: last ?? [], line, iat };
}

export interface MembershipDraft {
  readonly group: string;
  /** The statement that added the signer, or the one that it followed. */
  readonly stm: string;
  readonly isIn: boolean;
  /** The last message of each run that counts: for whoever leaves or followed. */
  readonly last?: readonly LastOfRun[];
  /** Texts, oldest first, where the signer followed the one that was added. */
  readonly succession?: readonly string[];
  readonly iat: number;
}

/** @throws {OpenRedError} `bad_request` for a draft that makes none. */
export async function signMembership(
  signatures: Pick<ModuleSignatures, "sign" | "verify" | "sha256">,
  draft: MembershipDraft,
): Promise<Membership> {
  const { group, stm, isIn, last, succession, iat } = draft;
  const text = await signatures.sign(TYPE, {
    group,
    stm,
    in: isIn,
    ...(last === undefined ? {} : { last }),
    ...(succession === undefined ? {} : { succession }),
    iat,
  });
  return await openMembership(signatures, text);
}
