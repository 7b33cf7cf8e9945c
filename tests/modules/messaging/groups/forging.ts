/**
 * What a member can do who has the keys and follows no rules.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import { contentHash } from "../../../../modules/messaging/groups/core/messages.ts";
import type { Person } from "./group_world.ts";

export const RUN = encodeBase64Url(new Uint8Array(8).fill(7));
export const IAT = 1_790_000_000;
const SALT = new Uint8Array(16).fill(9);

export interface Forged {
  readonly message: string;
  readonly salt: string;
  readonly body: Uint8Array;
}

/** What others call a signed text. */
export async function hashOf(person: Person, text: string): Promise<string> {
  const { crypto } = person.messaging.world.parts;
  return encodeBase64Url(await crypto.sha256(encodeUtf8(text.slice(0, text.lastIndexOf(".")))));
}

/** Signs a message with whatever members. */
export async function forgeMessage(
  author: Pick<Person, "id" | "messaging">,
  group: string,
  { text = "forged", ...members }: Record<string, unknown> & { readonly text?: string } = {},
): Promise<Forged> {
  const { crypto } = author.messaging.world.parts;
  const body = encodeUtf8(text);
  const hash = await contentHash(crypto, { salt: SALT, body });
  const message = await author.messaging.world.keys.sign("openred-group-message+jwt", {
    v: 3,
    iss: author.id,
    group,
    stm: group,
    run: RUN,
    n: 1,
    type: "text",
    sent_at: 1_790_000_000_000,
    hash,
    ...members,
  });
  return { message, salt: encodeBase64Url(SALT), body };
}

/** Signs a statement of a group with whatever members. */
export function forgeStatement(author: Person, members: Record<string, unknown>): Promise<string> {
  return author.messaging.world.keys.sign("openred-group+jwt", {
    v: 3,
    iss: author.id,
    iat: IAT,
    ...members,
  });
}

/** Signs that somebody is in a group, from its first statement on unless another one is named. */
export function forgeMembership(
  author: Person,
  group: string,
  { iat = IAT, stm = group }: { readonly iat?: number; readonly stm?: string } = {},
): Promise<string> {
  return author.messaging.world.keys.sign("openred-group-member+jwt", {
    v: 3,
    iss: author.id,
    group,
    stm,
    in: true,
    iat,
  });
}

const counter = { next: 1 };

/** Hands a frame of a group to somebody. @returns Whether it was acknowledged; "refused" where it was refused. */
export async function bring(
  from: Person,
  to: Person,
  { type, header, body = new Uint8Array() }: {
    readonly type: string;
    readonly header: Record<string, unknown>;
    readonly body?: Uint8Array;
  },
): Promise<boolean | "refused"> {
  const id = `forged${counter.next++}`;
  const frame = { type: `messaging.${type}`, id, header, body };
  const taken = await to.messaging.hosted.take(from.id, frame).catch(() => "refused" as const);
  if (taken !== false) return taken;
  const { gate } = to.messaging.hosted;
  return gate.refuses(from.id, { type: frame.type, input: header }) ? "refused" : false;
}

export function bringMessage(
  from: Person,
  to: Person,
  group: string,
  { message, salt, body }: Forged,
): Promise<boolean | "refused"> {
  return bring(from, to, { type: "group_message", header: { group, message, salt }, body });
}

/** The same signature under another payload. */
export function alter(text: string, change: Record<string, unknown>): string {
  const [head = "", payload = "", signature = ""] = text.split(".");
  const parsed = JSON.parse(new TextDecoder().decode(decodeBase64Url(payload)!));
  const other = encodeBase64Url(encodeUtf8(JSON.stringify({ ...parsed, ...change })));
  return `${head}.${other}.${signature}`;
}
