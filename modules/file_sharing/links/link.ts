/**
 * A link as its node keeps it.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { LinkEnd, LinkHead } from "../../../protocol/file_links.ts";
import type { GivenFile } from "../given_files.ts";

/** Of one file and of a whole link. */
const MAX_TICKETS = 1_000;
const MAX_TICKETS_OF_LINK = 10_000;
const MAX_HEAD_BYTES = 512 * 2 ** 10;

export interface Ticket {
  readonly id: string;
  readonly takenAt: number;
}

export interface LinkedFile extends GivenFile {
  readonly tickets: readonly Ticket[];
}

export interface Link {
  /** What stands in its URL. */
  readonly link: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly count: number | null;
  readonly note: string | null;
  readonly state: "hashing" | "ready" | "failed" | "revoked";
  readonly why: string | null;
  /** What the keys of its pieces come from, base64url; nothing once it was revoked. */
  readonly sealing: string;
  /** SHA-256 of what shows that somebody has the link, and the password: base64url. */
  readonly access: string;
  readonly open: string | null;
  /** The head, as it is sealed: never another one under this link. */
  readonly head: string | null;
  readonly files: readonly LinkedFile[];
}

export function noLink(): OpenRedError {
  return new OpenRedError("not_found", "There is nothing here");
}

const ENDS: Readonly<Record<LinkEnd, string>> = {
  expired: "The link has expired",
  used: "The link was used as often as it may be",
  revoked: "The link was taken back",
  failed: "The files of the link are not there any more as they were",
};

export function isOver(reason: LinkEnd): OpenRedError {
  return new OpenRedError("link_over", ENDS[reason], { members: { reason } });
}

/** How many tickets are kept of each of so many files. */
export function maxTickets(files: number): number {
  return Math.min(MAX_TICKETS, Math.floor(MAX_TICKETS_OF_LINK / files));
}

/** Only the last tickets are kept of files that may be fetched as often as anybody likes. */
export function addTicket(link: Link, of: { file: number; ticket: Ticket }): Link {
  const most = maxTickets(link.files.length);
  const files = link.files.map((file, at) =>
    at === of.file ? { ...file, tickets: [...file.tickets, of.ticket].slice(-most) } : file
  );
  return { ...link, files };
}

/** The head of a link, which is sealed as it is; `null` where it is too long. */
export function headOf({ expiresAt, note, files }: Link): string | null {
  const head: LinkHead = {
    v: 1,
    ...(expiresAt === null ? {} : { expires_at: expiresAt }),
    ...(note === null ? {} : { note }),
    files: files.map(({ name, length, root, kind, entries, modifiedAt }) => ({
      name,
      length,
      ...(root === null ? {} : { root }),
      ...(kind === undefined ? {} : { kind }),
      ...(entries === undefined ? {} : { entries }),
      ...(modifiedAt === undefined ? {} : { modified_at: modifiedAt }),
    })),
  };
  const text = JSON.stringify(head);
  return encodeUtf8(text).length > MAX_HEAD_BYTES ? null : text;
}

/** SHA-256, base64url. */
export async function digest(bytes: Uint8Array): Promise<string> {
  const copy = Uint8Array.from(bytes);
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", copy)));
}

/** Takes as long for texts that differ early as for those that differ late. */
export function isEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

/** The bytes of a root as a link's record has it; none for the empty file. */
export function rootOf({ root }: Pick<LinkedFile, "root">): Uint8Array<ArrayBuffer> {
  return root === null ? new Uint8Array() : decodeBase64Url(root)!;
}
