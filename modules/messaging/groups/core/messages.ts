/**
 * Messages of groups, `openred-group-message+jwt`: signed by their author, so that any member may pass them on.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import * as v from "valibot";
import { enc, encodeBase64Url, type NodeId } from "../../../../crypto/encoding.ts";
import type { ModuleSignatures } from "../../../../modules/api.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { unverifiedPayload } from "../../../../protocol/jws.ts";
import { expiresMsSchema } from "../../../../protocol/messaging_api.ts";
import {
  integerSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "../../../../protocol/schemas.ts";
import { type RunNumber, runSchema } from "../../names.ts";
import {
  checkLength,
  entryMust,
  groupSchema,
  hashSchema,
  malformed,
  messageNumberSchema,
} from "./fields.ts";
import { MAX_MESSAGE_BYTES, MAX_SEEN, SALT_BYTES } from "./limits.ts";

const TYPE = "openred-group-message+jwt";

/** An earlier message of the same author. */
const nameSchema = v.looseObject({ run: runSchema, n: messageNumberSchema, must: entryMust });

const messageSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  group: groupSchema,
  stm: hashSchema,
  run: runSchema,
  n: messageNumberSchema,
  prev: v.optional(hashSchema),
  type: v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/)),
  sent_at: integerSchema,
  after: v.optional(v.pipe(v.array(hashSchema), v.maxLength(MAX_SEEN)), []),
  reply_to: v.optional(hashSchema),
  edits: v.optional(nameSchema),
  to: v.optional(hashSchema),
  removes: v.optional(nameSchema),
  expires_ms: v.optional(expiresMsSchema),
  hash: hashSchema,
  must: v.optional(namesSchema),
});

/** A message whose signature holds: all of it but its body. */
export interface GroupMessage {
  readonly text: string;
  /** What others call it. */
  readonly hash: string;
  readonly group: string;
  readonly iss: NodeId;
  /** The newest statement that its author knew. */
  readonly stm: string;
  readonly run: string;
  readonly n: number;
  /** The message before it in its run; `null` of the first. */
  readonly prev: string | null;
  /** The second half of a type of direct messages, or one of a later version. */
  readonly type: string;
  readonly sentAt: number;
  /** What its author had seen last of others. */
  readonly after: readonly string[];
  readonly replyTo: string | null;
  readonly edits: RunNumber | null;
  readonly to: string | null;
  readonly removes: RunNumber | null;
  readonly expiresMs: number | null;
  /** SHA-256 of salt and body. */
  readonly content: string;
}

/** What each type names; those of a later version name what they like. */
const NAMED: Readonly<Record<string, (message: v.InferOutput<typeof messageSchema>) => boolean>> = {
  text: ({ to, removes }) => to === undefined && removes === undefined,
  react: ({ to, removes, edits }) =>
    to !== undefined && removes === undefined && edits === undefined,
  remove: ({ to, removes, edits }) =>
    removes !== undefined && to === undefined && edits === undefined,
};

/**
 * Reads a message, shape before signature.
 * @throws {OpenRedError} `too_large`, `bad_request`, `unsupported` or `bad_signature`.
 */
export async function openMessage(
  signatures: Pick<ModuleSignatures, "verify">,
  text: string,
): Promise<GroupMessage> {
  checkLength(text, MAX_MESSAGE_BYTES);
  const parsed = parseGrowing(messageSchema, unverifiedPayload(text));
  if ((parsed.n === 1) !== (parsed.prev === undefined)) {
    throw malformed("prev is there in all messages of a run but the first");
  }
  if (Object.hasOwn(NAMED, parsed.type) && !NAMED[parsed.type]!(parsed)) {
    throw malformed("A message of this type names other messages");
  }
  const { iss, hash } = await signatures.verify(TYPE, text);
  const { group, stm, run, n, prev, type, sent_at: sentAt, after } = parsed;
  return {
    text,
    hash,
    group,
    iss,
    stm,
    run,
    n,
    prev: prev ?? null,
    type,
    sentAt,
    after,
    replyTo: parsed.reply_to ?? null,
    edits: targetOf(parsed, parsed.edits),
    to: parsed.to ?? null,
    removes: targetOf(parsed, parsed.removes),
    expiresMs: parsed.expires_ms ?? null,
    content: parsed.hash,
  };
}

/** What a message is to say. Of the names each type has its own, as its reader expects them. */
export interface MessageDraft {
  readonly group: string;
  readonly stm: string;
  readonly run: string;
  readonly n: number;
  readonly prev: string | null;
  readonly type: string;
  readonly sentAt: number;
  readonly after: readonly string[];
  readonly replyTo?: string | null;
  readonly edits?: RunNumber | null;
  readonly to?: string | null;
  readonly removes?: RunNumber | null;
  readonly expiresMs?: number | null;
  /** As {@linkcode contentHash} gives it. */
  readonly content: string;
}

/** @throws {OpenRedError} `bad_request` for a draft that makes none. */
export async function signMessage(
  signatures: Pick<ModuleSignatures, "sign" | "verify">,
  draft: MessageDraft,
): Promise<GroupMessage> {
  const { group, stm, run, n, prev, type, after, content } = draft;
  const { replyTo, edits, to, removes, expiresMs } = draft;
  const text = await signatures.sign(TYPE, {
    group,
    stm,
    run,
    n,
    ...(prev === null ? {} : { prev }),
    type,
    sent_at: draft.sentAt,
    ...(after.length === 0 ? {} : { after }),
    ...named({ reply_to: replyTo, edits, to, removes, expires_ms: expiresMs }),
    hash: content,
  });
  return await openMessage(signatures, text);
}

/** What changes a message comes after it. */
function targetOf(message: RunNumber, target: RunNumber | undefined): RunNumber | null {
  if (target === undefined) return null;
  const { run, n } = target;
  if (run === message.run && n >= message.n) throw malformed("It names a later message");
  return { run, n };
}

function named(
  members: Readonly<Record<string, string | number | RunNumber | null | undefined>>,
) {
  const entries = Object.entries(members);
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
}

/**
 * What a message says of its body: SHA-256(enc(salt, body)), base64url.
 * @param content `salt`: 16 bytes.
 */
export async function contentHash(
  signatures: Pick<ModuleSignatures, "sha256">,
  content: { readonly salt: Uint8Array; readonly body: Uint8Array },
): Promise<string> {
  const { salt, body } = content;
  if (salt.length !== SALT_BYTES) throw new RangeError(`Expected a salt of ${SALT_BYTES} bytes`);
  return encodeBase64Url(await signatures.sha256(enc(salt, body)));
}

/**
 * Checks that a body is the one that was signed.
 * @throws {OpenRedError} `bad_signature`.
 */
export async function checkContent(
  signatures: Pick<ModuleSignatures, "sha256">,
  message: Pick<GroupMessage, "content">,
  content: { readonly salt: Uint8Array; readonly body: Uint8Array },
): Promise<void> {
  if (await contentHash(signatures, content) === message.content) return;
  throw new OpenRedError("bad_signature", "The body is not the one that was signed");
}

/**
 * Of messages under one number the two that are kept, as proof that their author told two stories.
 * @param hashes Those that are held, and one that came; in any order.
 */
export function keptUnderNumber(hashes: readonly string[]): readonly string[] {
  return [...new Set(hashes)].sort().slice(0, 2);
}
