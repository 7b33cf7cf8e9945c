/**
 * Contact links, `openred:<node id>?u=<api_url>&d=<directory url>` (docs/PROTOCOL.md, "Record").
 *
 * @module
 */
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import { OpenRedError } from "./errors.ts";
import { checkUrlText } from "./url_policy.ts";

const SCHEME = "openred:";

/** Two URLs of 256 bytes, each byte escaped, leave room for parameters yet unknown. */
export const MAX_CONTACT_LINK_LENGTH = 2_048;

/** Whom a contact link leads to. */
export interface ContactLink {
  readonly nodeId: NodeId;
  /** Where the node was when the link was made: a hint. */
  readonly apiUrl: string | null;
  /** A directory that knows the node. */
  readonly directoryUrl: string | null;
}

/** Tells whether a text means to be a contact link; it may still be a broken one. */
export function isContactLink(text: string): boolean {
  return text.slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/**
 * Reads a contact link, its scheme in capitals or not. Parameters that are not known are ignored.
 * @throws {RangeError} Whose message says what was expected.
 */
export function parseContactLink(text: string): ContactLink {
  if (!isContactLink(text) || text.length > MAX_CONTACT_LINK_LENGTH) {
    throw new RangeError(`expected a contact link, ${SCHEME}<node id>?u=…&d=…`);
  }
  const [nodeId = "", ...rest] = text.slice(SCHEME.length).split("?");
  if (!isNodeId(nodeId)) throw new RangeError("expected a contact link with a whole node id");
  if (rest.length > 1) throw new RangeError("expected a contact link with one ?");
  const parameters = (rest[0] ?? "").split("&");
  return {
    nodeId,
    apiUrl: readUrl(parameters, "u"),
    directoryUrl: readUrl(parameters, "d"),
  };
}

function readUrl(parameters: readonly string[], name: string): string | null {
  const [value, second] = parameters
    .filter((parameter) => parameter === name || parameter.startsWith(`${name}=`))
    .map((parameter) => parameter.slice(name.length + 1));
  if (second !== undefined) throw new RangeError(`expected a contact link with one ${name}`);
  if (value === undefined) return null;
  try {
    const url = decodeURIComponent(value);
    checkUrlText(url, { allowPrivate: true });
    return url;
  } catch (error) {
    if (!(error instanceof URIError) && !(error instanceof OpenRedError)) throw error;
    throw new RangeError(`expected a contact link whose ${name} is a URL without a final slash`);
  }
}

/** Writes a contact link. */
export function formatContactLink(link: ContactLink): string {
  const query = [["u", link.apiUrl], ["d", link.directoryUrl]]
    .flatMap(([name, url]) => url == null ? [] : `${name}=${encodeURIComponent(url)}`);
  return SCHEME + link.nodeId + (query.length === 0 ? "" : `?${query.join("&")}`);
}
