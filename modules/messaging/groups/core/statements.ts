/**
 * The statements of a group's owner, `openred-group+jwt`: each by itself. What they make together is the chain.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import * as v from "valibot";
import type { NodeId } from "../../../../crypto/encoding.ts";
import type { ModuleSignatures } from "../../../../modules/api.ts";
import { unverifiedPayload } from "../../../../protocol/jws.ts";
import {
  bytesSchema,
  integerSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "../../../../protocol/schemas.ts";
import {
  areDifferent,
  checkLength,
  entryMust,
  groupSchema,
  hashSchema,
  type LastOfRun,
  lastSchema,
  malformed,
  successionTextsSchema,
} from "./fields.ts";
import {
  MAX_GROUP_NAME_BYTES,
  MAX_MEMBERS,
  MAX_STATEMENT_BYTES,
  MAX_STATEMENTS,
} from "./limits.ts";
import { type KeyLine, openKeyLine } from "./successions.ts";

const TYPE = "openred-group+jwt";

const addedSchema = v.looseObject({
  id: nodeIdSchema,
  next: v.optional(hashSchema),
  must: entryMust,
});
const removedSchema = v.looseObject({ id: nodeIdSchema, last: lastSchema, must: entryMust });

function eachOnce(entries: readonly { readonly id: NodeId }[]): boolean {
  return areDifferent(entries.map(({ id }) => id));
}

const statementSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  group: v.optional(groupSchema),
  n: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_STATEMENTS - 1)),
  prev: v.optional(hashSchema),
  nonce: v.optional(bytesSchema(16)),
  name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_GROUP_NAME_BYTES))),
  add: v.optional(
    v.pipe(
      v.array(addedSchema),
      v.maxLength(MAX_MEMBERS),
      v.check((entries) => eachOnce(entries), "Each id once"),
    ),
    [],
  ),
  remove: v.optional(
    v.pipe(
      v.array(removedSchema),
      v.maxLength(MAX_MEMBERS),
      v.check((entries) => eachOnce(entries), "Each id once"),
    ),
    [],
  ),
  owner: v.optional(nodeIdSchema),
  history: v.optional(v.boolean()),
  succession: v.optional(successionTextsSchema),
  iat: integerSchema,
  must: v.optional(namesSchema),
});

export interface Added {
  readonly id: NodeId;
  /** SHA-256 of the key that may follow, as the owner knew it. */
  readonly next: string | null;
}

export interface Removed {
  readonly id: NodeId;
  readonly last: readonly LastOfRun[];
}

/** A statement whose signature holds. Whether it counts is for the chain to say. */
export interface Statement {
  readonly text: string;
  /** What others call it by; of the first one also the group. */
  readonly hash: string;
  readonly group: string;
  readonly iss: NodeId;
  readonly n: number;
  /** `null` of the first one. */
  readonly prev: string | null;
  /** `null`: as before. */
  readonly name: string | null;
  readonly add: readonly Added[];
  readonly remove: readonly Removed[];
  /** To whom the group is handed over. */
  readonly owner: NodeId | null;
  /** `null`: as before. */
  readonly history: boolean | null;
  /** How the signer's key follows from the owner's. */
  readonly line: KeyLine | null;
  /** Seconds. */
  readonly iat: number;
}

/**
 * Reads a statement, shape before signature.
 * @throws {OpenRedError} `too_large`, `bad_request`, `unsupported` or `bad_signature`.
 */
export async function openStatement(
  signatures: Pick<ModuleSignatures, "verify" | "sha256">,
  text: string,
): Promise<Statement> {
  checkLength(text, MAX_STATEMENT_BYTES);
  const parsed = parseGrowing(statementSchema, unverifiedPayload(text));
  checkPlace(parsed);
  const { iss, hash } = await signatures.verify(TYPE, text);
  const { group, n, prev, name, add, remove, owner, history, succession, iat } = parsed;
  const line = succession === undefined
    ? null
    : await openKeyLine(signatures, { texts: succession, iss });
  return {
    text,
    hash,
    group: group ?? hash,
    iss,
    n,
    prev: prev ?? null,
    name: name ?? null,
    add: add.map(({ id, next }) => ({ id, next: next ?? null })),
    remove: remove.map(({ id, last }) => ({ id, last })),
    owner: owner ?? null,
    history: history ?? null,
    line,
    iat,
  };
}

/** The first statement names nothing before it, and every other one does. */
function checkPlace(parsed: v.InferOutput<typeof statementSchema>): void {
  const { iss, group, n, prev, nonce, add, remove, owner, succession } = parsed;
  if (n > 0) {
    if (group === undefined || prev === undefined) throw malformed("It names nothing before it");
    return;
  }
  const later = [group, prev, owner, succession].some((member) => member !== undefined);
  if (later || remove.length > 0) {
    throw malformed("The first statement has what only later ones have");
  }
  if (nonce === undefined) throw malformed("The first statement has no nonce");
  if (!add.some(({ id }) => id === iss)) throw malformed("The founder is not in the group");
}

/** What the next statement is to say. */
export interface StatementDraft {
  /** `null` for the first one, which has a nonce of 16 bytes in base64url instead. */
  readonly after: Pick<Statement, "group" | "n" | "hash"> | null;
  readonly nonce?: string;
  readonly name?: string;
  readonly add?: readonly Added[];
  readonly remove?: readonly Removed[];
  readonly owner?: NodeId;
  readonly history?: boolean;
  /** Texts, where this node followed the owner and signs for the first time. */
  readonly succession?: readonly string[];
  readonly iat: number;
}

/**
 * Signs a statement. Whether the chain takes it is to be seen before others see it.
 * @throws {OpenRedError} `too_large` or `bad_request` for a draft that makes none.
 */
export async function signStatement(
  signatures: Pick<ModuleSignatures, "sign" | "verify" | "sha256">,
  draft: StatementDraft,
): Promise<Statement> {
  const { after, nonce, name, add = [], remove = [], owner, history, succession, iat } = draft;
  const text = await signatures.sign(TYPE, {
    ...(after === null ? {} : { group: after.group }),
    n: after === null ? 0 : after.n + 1,
    ...(after === null ? { nonce } : { prev: after.hash }),
    ...(name === undefined ? {} : { name }),
    ...(add.length === 0 ? {} : {
      add: add.map(({ id, next }) => next === null ? { id } : { id, next }),
    }),
    ...(remove.length === 0 ? {} : { remove }),
    ...(owner === undefined ? {} : { owner }),
    ...(history === undefined ? {} : { history }),
    ...(succession === undefined ? {} : { succession }),
    iat,
  });
  return await openStatement(signatures, text);
}
