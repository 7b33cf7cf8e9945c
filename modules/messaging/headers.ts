/**
 * The headers of messages, as they come and as they go.
 *
 * @module
 * @see docs/PROTOCOL.md, "Messages"
 */
import * as v from "valibot";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { frameHeaderSchema, frameIdSchema } from "../../protocol/frames.ts";
import { expiresMsSchema, MAX_TEXT_BYTES } from "../../protocol/messaging_api.ts";
import { integerSchema, parseInput } from "../../protocol/schemas.ts";
import { REACT, REMOVE, TEXT } from "./manifest.ts";
import { nameSchema, nameText, numberSchema, ownNameSchema, readName, runSchema } from "./names.ts";
import { type Kind, type MessageRow, readAfter } from "./rows.ts";

/** How many messages one names that its sender had seen. */
export const MAX_AFTER = 8;
const MAX_REACTION_BYTES = 64;

const numberedEntries = {
  ...frameHeaderSchema.entries,
  sent_at: v.optional(integerSchema),
  after: v.optional(v.pipe(v.array(ownNameSchema), v.maxLength(MAX_AFTER)), []),
};
const required = { run: runSchema, n: numberSchema };

const textSchema = v.looseObject({
  ...numberedEntries,
  run: v.optional(runSchema),
  n: v.optional(numberSchema),
  reply_to: v.optional(nameSchema),
  edits: v.optional(ownNameSchema),
  expires_ms: v.optional(expiresMsSchema),
});
const reactSchema = v.looseObject({ ...numberedEntries, ...required, to: nameSchema });
const removeSchema = v.looseObject({ ...numberedEntries, ...required, removes: ownNameSchema });

/** A message that came, in this node's words. */
export interface CameMessage {
  readonly kind: Kind;
  readonly sentAt: number | null;
  readonly run: string | null;
  readonly n: number | null;
  /** What it names of this node's own. */
  readonly after: readonly string[];
  readonly reply: string | null;
  readonly target: string | null;
  readonly expiresMs: number | null;
  readonly text: string;
}

type Header = Readonly<Record<string, unknown>>;

/** @throws {OpenRedError} `bad_request` for an id of another form, or none. */
export function readMessageId(id: unknown): string {
  return parseInput(frameIdSchema, id);
}

/**
 * Reads a message of a type that has a number.
 * @throws {OpenRedError} `bad_request`, `too_large`.
 */
export function readMessage(type: string, header: Header, body: Uint8Array): CameMessage {
  const second = type.slice(type.indexOf(".") + 1);
  if (second === REACT) return readReaction(header, body);
  if (second === REMOVE) return readRemoval(header);
  return readTextMessage(header, body);
}

function readTextMessage(header: Header, body: Uint8Array): CameMessage {
  const parsed = parseInput(textSchema, header);
  const { run = null, n = null, edits, reply_to: replyTo } = parsed;
  if ((run === null) !== (n === null)) throw bad("run and n come together");
  if ("conversation" in header) throw bad("There is no such conversation");
  if (edits !== undefined) checkEarlier({ run, n }, edits);
  return {
    kind: edits === undefined ? "text" : "edit",
    ...common(parsed),
    run,
    n,
    reply: replyTo === undefined ? null : nameText({ ...replyTo, own: !replyTo.mine }),
    target: edits === undefined ? null : nameText({ ...edits, own: false }),
    expiresMs: parsed.expires_ms ?? null,
    text: readText(body),
  };
}

function readReaction(header: Header, body: Uint8Array): CameMessage {
  const parsed = parseInput(reactSchema, header);
  if (body.length > MAX_REACTION_BYTES) throw new OpenRedError("too_large", "It is too long");
  if (parsed.to.mine) checkEarlier(parsed, parsed.to);
  return {
    kind: "react",
    ...common(parsed),
    run: parsed.run,
    n: parsed.n,
    reply: null,
    target: nameText({ ...parsed.to, own: !parsed.to.mine }),
    expiresMs: null,
    text: readUtf8(body),
  };
}

function readRemoval(header: Header): CameMessage {
  const parsed = parseInput(removeSchema, header);
  const { run, n, removes } = parsed;
  if (!isSelf(parsed, removes)) checkEarlier(parsed, removes);
  return {
    kind: "remove",
    ...common(parsed),
    run,
    n,
    reply: null,
    target: nameText({ ...removes, own: false }),
    expiresMs: null,
    text: "",
  };
}

function common(parsed: { sent_at?: number | undefined; after: { run: string; n: number }[] }) {
  const { sent_at: sentAt = null, after } = parsed;
  return { sentAt, after: after.map(({ run, n }) => nameText({ own: true, run, n })) };
}

interface Named {
  readonly run: string | null;
  readonly n: number | null;
}

function isSelf(one: Named, other: Named): boolean {
  return one.run === other.run && one.n === other.n;
}

/** What changes a message comes after it, and has a number of its own. */
function checkEarlier(one: Named, target: { run: string; n: number }): void {
  if (one.run === null || one.n === null) throw bad("What changes a message has run and n");
  if (one.run === target.run && one.n <= target.n) throw bad("It names a later message");
}

function bad(text: string): OpenRedError {
  return new OpenRedError("bad_request", text);
}

/** @throws {OpenRedError} `bad_request`, `too_large`. */
function readText(body: Uint8Array): string {
  if (body.length === 0) throw bad("The text is empty");
  if (body.length > MAX_TEXT_BYTES) throw new OpenRedError("too_large", "The text is too long");
  return readUtf8(body);
}

function readUtf8(body: Uint8Array): string {
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The text is not UTF-8", { cause });
  }
}

const TYPES: Readonly<Record<Kind, string>> = {
  text: TEXT,
  edit: TEXT,
  react: REACT,
  remove: REMOVE,
};

/** The frame of an own message: the second half of its type, and its header. */
export function frameOf(row: MessageRow): { type: string; header: Record<string, unknown> } {
  const { kind, sentAt, target, reply, expiresAt } = row;
  const named = target === null ? null : readName(target);
  const wire = named === null ? {} : { run: named.run, n: named.n };
  // What was taken back has left its number to the word that it does not come.
  const numbered = row.run === null ? kind === "remove" ? wire : {} : { run: row.run, n: row.n };
  const header: Record<string, unknown> = { sent_at: sentAt, ...numbered };
  const after = readAfter(row.after).map(readName).map(({ run, n }) => ({ run, n }));
  if (after.length > 0) header.after = after;
  if (kind === "edit") header.edits = wire;
  if (kind === "remove") header.removes = wire;
  if (kind === "react") header.to = named?.own ? { ...wire, mine: true } : wire;
  if (reply !== null) {
    const { own, run, n } = readName(reply);
    header.reply_to = own ? { run, n, mine: true } : { run, n };
  }
  if (expiresAt !== null) header.expires_ms = expiresAt - sentAt;
  return { type: TYPES[kind], header };
}
