/**
 * Contact links, `openred:<node id>/d/<directory>/u/<api>` (docs/PROTOCOL.md, "Contact links").
 *
 * @module
 */
import {
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
  isNodeId,
  type NodeId,
} from "../crypto/encoding.ts";
import { decodeBase32, encodeBase32 } from "./base32.ts";
import { OpenRedError } from "./errors.ts";
import { checkUrlText } from "./url_policy.ts";

const SCHEME = "openred:";

/** Two URLs of 256 bytes, each byte escaped, leave room for parameters yet unknown. */
export const MAX_CONTACT_LINK_LENGTH = 2_048;

/** The secret of an invitation. */
export const INVITATION_SECRET_BYTES = 16;

/** What mails and chats put into a link, or around it: blanks, line breaks, what is not seen, pointed brackets. */
const STRAY = /[\s\p{Cf}\p{Cc}<>]/gu;
/** The address of a page that shows a link. */
const PAGE = /^https?:\/\/[^#]{1,512}#(?=openred:)/i;
/** `host[:port]` of an `https` URL. */
const PLAIN_HOST = /^[a-z0-9.-]+(?::\d{1,5})?$/;
const HTTPS = "https://";

/** Whom a contact link leads to. */
export interface ContactLink {
  readonly nodeId: NodeId;
  /** Where the node was when the link was made: a hint. */
  readonly apiUrl: string | null;
  /** A directory that knows the node. */
  readonly directoryUrl: string | null;
  /** The 16-byte secret of an invitation: whoever has it is let in. */
  readonly invitation: Uint8Array<ArrayBuffer> | null;
}

function bare(text: string): string {
  return text.replace(STRAY, "").replace(PAGE, "");
}

/** Tells whether a text means to be a contact link, or the page of one; it may still be a broken one. */
export function isContactLink(text: string): boolean {
  return bare(text).slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/**
 * Reads a contact link of today's form or of the former, `openred:<node id>?u=…&d=…`. Blanks, line breaks and
 * pointed brackets anywhere in it are forgiven. Parameters that are not known are ignored.
 * @throws {RangeError} Whose message says what was expected.
 */
export function parseContactLink(text: string): ContactLink {
  if (!isContactLink(text) || text.length > MAX_CONTACT_LINK_LENGTH) {
    throw new RangeError(`expected a contact link, ${SCHEME}<node id>/d/…`);
  }
  const rest = bare(text).slice(SCHEME.length);
  return rest.includes("?") ? parseFormer(rest) : parseSegments(rest);
}

function parseSegments(text: string): ContactLink {
  const [id = "", ...segments] = text.split("/");
  const nodeId = readId(id);
  if (segments.length % 2 === 1) {
    throw new RangeError("expected a whole contact link; the end of this one is missing");
  }
  const values = new Map<string, string>();
  for (let at = 0; at < segments.length; at += 2) {
    const name = segments[at]!.toLowerCase();
    const known = name === "db" || name === "ub" ? name[0]! : name;
    if (!["d", "u", "i"].includes(known)) continue;
    if (values.has(known)) throw new RangeError(`expected a contact link with one ${known}`);
    const value = segments[at + 1]!;
    values.set(known, name === known ? value : fromBase64(value, known));
  }
  return {
    nodeId,
    apiUrl: hostOrUrl(values.get("u"), "u"),
    directoryUrl: hostOrUrl(values.get("d"), "d"),
    invitation: readSecret(values.get("i")),
  };
}

function readId(text: string): NodeId {
  if (!isNodeId(text)) throw new RangeError("expected a contact link with a whole node id");
  return text;
}

function fromBase64(text: string, name: string): string {
  const bytes = decodeBase64Url(text);
  try {
    if (bytes !== null) return checkedUrl(decodeUtf8(bytes), name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw wrongUrl(name);
}

/** A whole URL was checked when it was decoded; what has none of its signs is a host. */
function hostOrUrl(text: string | undefined, name: string): string | null {
  if (text === undefined || text.includes("://")) return text ?? null;
  const host = text.toLowerCase();
  if (!PLAIN_HOST.test(host)) throw wrongUrl(name);
  return checkedUrl(HTTPS + host, name);
}

function readSecret(text: string | undefined): Uint8Array<ArrayBuffer> | null {
  if (text === undefined) return null;
  const secret = decodeBase32(text);
  if (secret?.length === INVITATION_SECRET_BYTES) return secret;
  throw new RangeError("expected a whole invitation; a letter of this one is missing or wrong");
}

function parseFormer(text: string): ContactLink {
  const [id = "", query = "", ...rest] = text.split("?");
  const nodeId = readId(id);
  if (rest.length > 0) throw new RangeError("expected a contact link with one ?");
  const parameters = query.split("&");
  return {
    nodeId,
    apiUrl: readUrl(parameters, "u"),
    directoryUrl: readUrl(parameters, "d"),
    invitation: null,
  };
}

function readUrl(parameters: readonly string[], name: string): string | null {
  const [value, second] = parameters
    .filter((parameter) => parameter === name || parameter.startsWith(`${name}=`))
    .map((parameter) => parameter.slice(name.length + 1));
  if (second !== undefined) throw new RangeError(`expected a contact link with one ${name}`);
  if (value === undefined) return null;
  try {
    return checkedUrl(decodeURIComponent(value), name);
  } catch (error) {
    if (error instanceof URIError) throw wrongUrl(name);
    throw error;
  }
}

function checkedUrl(url: string, name: string): string {
  try {
    checkUrlText(url, { allowPrivate: true });
    return url;
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    throw wrongUrl(name);
  }
}

function wrongUrl(name: string): RangeError {
  return new RangeError(`expected a contact link whose ${name} is a URL without a final slash`);
}

/** Writes a contact link: letters, digits and `: / . - _` alone, so that every shell and chat leaves it whole. */
export function formatContactLink(link: ContactLink): string {
  const { nodeId, apiUrl, directoryUrl, invitation } = link;
  return [
    SCHEME + nodeId,
    ...formatUrl("d", directoryUrl),
    ...formatUrl("u", apiUrl),
    ...(invitation === null ? [] : ["i", encodeBase32(invitation)]),
  ].join("/");
}

function formatUrl(name: string, url: string | null): string[] {
  if (url === null) return [];
  const host = url.slice(HTTPS.length);
  if (url.startsWith(HTTPS) && PLAIN_HOST.test(host)) return [name, host];
  return [`${name}b`, encodeBase64Url(encodeUtf8(url))];
}
