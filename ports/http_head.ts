/**
 * The head of an HTTP/1.1 request (RFC 9112), read strictly: whatever two readers could take for two
 * different requests is refused.
 *
 * @module
 */

/** A request line and its headers, with the blank line behind them. */
export const MAX_HEAD_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** Stands in a URL for the host of a client that names none, as HTTP/1.0 allows. */
const NO_HOST = "no-host.invalid";

/** How a request's body ends. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" };

export interface RequestHead {
  readonly method: string;
  /** `http://HOST/PATH?QUERY`; the host is what the client wrote. */
  readonly url: string;
  /** Names in lower case; values of repeated headers joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly framing: BodyFraming;
  /** Whether another request may follow on this connection. */
  readonly keepAlive: boolean;
  readonly isHttp10: boolean;
}

/** The status of a head that is refused. None is a fault of this end, whatever version or coding it names. */
export type HeadRefusal = 400 | 417 | 431;

const REQUEST_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/;
const HEADER =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*$/;
/** What may stand once at most: a second one would leave it to the reader which counts. */
const SINGLE = new Set(["content-length", "host", "transfer-encoding", "sec-websocket-key"]);

/** @returns The headers by name, or `null` for a line that is none. */
function readHeaders(lines: readonly string[]): Map<string, string> | null {
  const headers = new Map<string, string>();
  for (let at = 1; at < lines.length; at++) {
    const match = HEADER.exec(lines[at]!);
    if (match === null) return null;
    const name = match[1]!.toLowerCase();
    const value = match[2] ?? "";
    const earlier = headers.get(name);
    if (earlier !== undefined && SINGLE.has(name)) return null;
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

function framingOf(
  headers: ReadonlyMap<string, string>,
  isHttp10: boolean,
): BodyFraming | HeadRefusal {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding !== undefined) {
    if (length !== undefined || isHttp10) return 400;
    return coding.toLowerCase() === "chunked" ? { kind: "chunked" } : 400;
  }
  if (length === undefined) return { kind: "none" };
  if (!/^\d{1,15}$/.test(length)) return 400;
  return length === "0" ? { kind: "none" } : { kind: "length", bytes: Number(length) };
}

/** @returns The URL of a request, or `null` for a target that names no path and a host that is none. */
function urlOf(target: string, host: string): string | null {
  const isPath = target.startsWith("/");
  if (isPath ? /[/\\?#@]/.test(host) : !/^https?:\/\/[^/?#]/i.test(target)) return null;
  const url = isPath ? `http://${host || NO_HOST}${target}` : target;
  return URL.canParse(url) ? url : null;
}

function hasToken(list: string | undefined, token: string): boolean {
  return list !== undefined && list.split(",").some((one) => one.trim().toLowerCase() === token);
}

/**
 * Reads a head.
 * @param text As Latin-1, without the blank line.
 * @returns The status to refuse it with where it is not one.
 */
export function parseHead(text: string): RequestHead | HeadRefusal {
  const lines = text.split("\r\n");
  if (lines.length > MAX_HEADERS + 1) return 431;
  const [, method, target, major, minor] = REQUEST_LINE.exec(lines[0]!) ?? [];
  if (method === undefined || target === undefined) return 400;
  if (major !== "1") return 400;
  const isHttp10 = minor === "0";
  const headers = readHeaders(lines);
  if (headers === null) return 400;
  const host = headers.get("host");
  if (host === undefined && !isHttp10) return 400;
  const url = urlOf(target, host ?? "");
  if (url === null) return 400;
  const framing = framingOf(headers, isHttp10);
  if (typeof framing === "number") return framing;
  const expected = headers.get("expect");
  if (expected !== undefined && expected.toLowerCase() !== "100-continue") return 417;
  const connection = headers.get("connection");
  const keepAlive = isHttp10 ? false : !hasToken(connection, "close");
  return { method, url, headers, framing, keepAlive, isHttp10 };
}
