/**
 * The URL policy: which URLs that strangers wrote may be called (docs/PROTOCOL.md, "URL policy").
 *
 * @module
 */
import { OpenRedError } from "./errors.ts";
import { MAX_URL_BYTES } from "./limits.ts";
import { classifyAddress } from "./special_addresses.ts";
import { unreachable } from "./unreachable.ts";

export interface UrlPolicyOptions {
  /** The operator allows private addresses, and `http` with names. */
  readonly allowPrivate: boolean;
}

/** What a check of resolved addresses needs. */
export interface CheckUrlOptions extends UrlPolicyOptions {
  readonly resolver: {
    resolve(host: string, signal?: AbortSignal): Promise<readonly string[]>;
  };
  readonly signal?: AbortSignal;
}

/** What a URL that passed {@linkcode checkUrlText} leads to. */
export interface CheckedUrl {
  /** The host: a name, or an address without brackets. */
  readonly host: string;
  readonly isAddress: boolean;
}

function refuse(why: string, cause?: unknown): never {
  throw new OpenRedError("url_refused", `The URL is refused: ${why}`, { cause });
}

/** Parses a URL that is written exactly as WHATWG writes it, less a final slash. */
function parseExactUrl(text: string): URL {
  if (text.length > MAX_URL_BYTES) refuse(`it is longer than ${MAX_URL_BYTES} bytes`);
  if (!/^[\x21-\x7e]+$/.test(text)) refuse("it is not printable ASCII");
  if (text.endsWith("/")) refuse("it ends in a slash");
  if (/[?#]/.test(text)) refuse("it has a query or a fragment");
  if (!URL.canParse(text)) refuse("it cannot be parsed");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") refuse("it has credentials");
  if (url.href.replace(/\/$/, "") !== text) refuse("it is not in its normal form");
  return url;
}

/**
 * Judges an IP address, IPv6 without brackets.
 * @throws {OpenRedError} `url_refused` for a special one, unless private ones are allowed, and for
 *   text that is no address.
 */
export function checkAddress(address: string, { allowPrivate }: UrlPolicyOptions): void {
  const kind = classifyAddress(address);
  if (kind === null) refuse("its host resolves to something that is no address");
  if (kind === "special" && !allowPrivate) refuse("its address is not a public one");
}

/**
 * Judges what can be judged without resolving the host.
 * @throws {OpenRedError} `url_refused`.
 */
export function checkUrlText(text: string, options: UrlPolicyOptions): CheckedUrl {
  const url = parseExactUrl(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") refuse("it is neither http nor https");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isAddress = classifyAddress(host) !== null;
  if (isAddress) checkAddress(host, options);
  else if (url.protocol === "http:" && !options.allowPrivate) refuse("http is for addresses only");
  return { host, isAddress };
}

/**
 * Judges a URL and every address that its host resolves to.
 * @throws {OpenRedError} `url_refused`; `unreachable` if the host does not resolve.
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function checkUrl(text: string, options: CheckUrlOptions): Promise<void> {
  const { host, isAddress } = checkUrlText(text, options);
  // With private addresses allowed, none of the answers could be refused.
  if (isAddress || options.allowPrivate) return;
  const addresses = await options.resolver.resolve(host, options.signal);
  if (addresses.length === 0) throw unreachable("The host", "name_unknown");
  for (const address of addresses) checkAddress(address, options);
}
