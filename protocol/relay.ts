/**
 * A relay on the wire: where it is, how a link opens, and what of an exchange goes through (docs/PROTOCOL.md, "Relay").
 *
 * @module
 */
import * as v from "valibot";
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import { IDENTITY_PATH, RECEIVE_PATH } from "./directory_api.ts";
import { OpenRedError } from "./errors.ts";
import { LINK_PATH } from "./file_links.ts";
import { unverifiedPayload, verifySignature } from "./jws.ts";
import { MAX_URL_BYTES } from "./limits.ts";
import { CHANNEL_PATH, HANDSHAKE_PATH, MESSAGE_PATH } from "./peer_api.ts";
import { recordTextSchema } from "./record.ts";
import {
  bytesSchema,
  integerSchema,
  nameSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "./schemas.ts";

/** Below the relay's URL: a WebSocket for nodes; for a plain request, the relay's record. */
export const RELAY_PATH = "/relay/v1";
const RELAYED_PREFIX = "/r/";
/** Where a node answers with the content of its files. */
const FILE_PREFIX = "/p2p/file/";

/** Close codes of streams and links; those of channels pass as they are. */
export const RELAY_CLOSE = {
  normal: 1000,
  gone: 1001,
  fault: 1002,
  refused: 1008,
  tooLarge: 1009,
  busy: 1013,
} as const;

const must = v.optional(namesSchema);

/** Where a relay is, and whose it must be. */
export interface RelayAddress {
  readonly url: string;
  /** `null`: whoever answers first. */
  readonly id: NodeId | null;
}

/** Reads URL or URL`#`id. @returns `null` for another form. */
export function relayAddress(text: string): RelayAddress | null {
  const [url = "", id, ...more] = text.split("#");
  if (more.length > 0) return null;
  if (id === undefined) return { url, id: null };
  return isNodeId(id) ? { url, id } : null;
}

/** What a node behind a relay announces as its `api_url`. */
export function relayedUrl(relayUrl: string, id: string): string {
  return `${relayUrl}${RELAYED_PREFIX}${id}`;
}

/** The URL of the relay that a node's URL leads through, or `null` where it is not of that form. */
export function relayOf(apiUrl: string, id: string): string | null {
  const end = RELAYED_PREFIX + id;
  return apiUrl.endsWith(end) ? apiUrl.slice(0, -end.length) : null;
}

/** The first word on a link, of the relay. */
export const relayHelloSchema = v.looseObject({
  v: v.literal(3),
  nonce: bytesSchema(16),
  relay: recordTextSchema,
  must,
});

const openingSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  aud: nodeIdSchema,
  nonce: v.pipe(v.string(), v.length(22)),
  url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  instance: bytesSchema(16),
  iat: integerSchema,
  must,
});

/** How a node proves that a link is its own. */
export type RelayOpening = v.InferOutput<typeof openingSchema>;

/**
 * Reads the proof of a link, shape before signature.
 * @throws {OpenRedError} `bad_request`, `unsupported` or `bad_signature`.
 */
export async function openRelayOpening(
  crypto: Pick<CryptoCore, "verifyJws">,
  text: string,
): Promise<RelayOpening> {
  const opening = parseGrowing(openingSchema, unverifiedPayload(text));
  await verifySignature(crypto, { text, typ: "openred-relay+jwt" });
  return opening;
}

/** Why a relay ends a link. */
export const RELAY_BYES = [
  "replaced",
  "restarting",
  "occupied",
  "full",
  "forbidden",
  "proof_invalid",
] as const;
export type RelayBye = typeof RELAY_BYES[number];

/** The last word on a link, of the relay. Any code but those of {@linkcode RELAY_BYES} is as a link that broke. */
export const relayByeSchema = v.looseObject({
  code: nameSchema,
  retry_after_ms: v.optional(integerSchema),
  must,
});

/** Once the proof was taken. */
export const relayReadySchema = v.looseObject({
  url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  /** Whether it shows browsers the page of links to files, and passes on what that page asks. */
  links: v.optional(v.boolean(), false),
  must,
});

const MAX_HEADERS = 16;
const MAX_HEADER_LENGTH = 1_024;

const headersSchema = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/)),
    v.pipe(v.string(), v.maxLength(MAX_HEADER_LENGTH), v.regex(/^[\x20-\x7e]*$/)),
  ),
  v.check((headers) => Object.keys(headers).length <= MAX_HEADERS, "too many headers"),
);

/** The head that a relay opens a stream with. */
export const relayRequestSchema = v.looseObject({
  kind: v.picklist(["exchange", "channel"]),
  method: v.picklist(["GET", "POST"]),
  /** Below the node's URL, with its query. */
  target: v.pipe(v.string(), v.maxLength(1_024)),
  /** Bytes of the body. */
  length: integerSchema,
  headers: headersSchema,
  /** Stands for the caller's address. */
  source: bytesSchema(16),
  must,
});
export type RelayRequest = v.InferInput<typeof relayRequestSchema>;

/** The head that a node answers a stream with. 101: the channel is open. */
export const relayResponseSchema = v.looseObject({
  status: v.pipe(
    v.number(),
    v.check((status) => status === 101 || (status >= 200 && status < 600 && status % 1 === 0)),
    v.check((status) => status < 300 || status >= 400),
  ),
  length: integerSchema,
  headers: headersSchema,
  must,
});
export type RelayResponse = v.InferInput<typeof relayResponseSchema>;

const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "range",
  "if-range",
  "origin",
]);
const RESPONSE_HEADERS = ["content-type", "content-range", "etag", "retry-after"] as const;

function fits(value: string): boolean {
  return value.length <= MAX_HEADER_LENGTH && /^[\x20-\x7e]*$/.test(value);
}

/** Whether a header of a request goes through. */
export function passesRequest(name: string): boolean {
  return REQUEST_HEADERS.has(name) || name.startsWith("openred-");
}

/** The headers of a request that go through. */
export function requestHeadersOf(headers: Headers): Record<string, string> {
  const passed = [...headers].filter(([name, value]) => passesRequest(name) && fits(value));
  return Object.fromEntries(passed.slice(0, MAX_HEADERS));
}

/** The headers of an answer that go through. */
export function responseHeadersOf(headers: Headers): Record<string, string> {
  const found = RESPONSE_HEADERS.map((name) => [name, headers.get(name)] as const);
  const given = found.filter((one): one is [typeof one[0], string] => one[1] !== null);
  return Object.fromEntries(given.filter(([, value]) => fits(value)));
}

/** One path that goes through a relay. */
export interface RelayRoute {
  readonly kind: "exchange" | "channel";
  readonly method: "GET" | "POST";
  /** Whether it is of sessions that are there, and may use the places that others leave. */
  readonly isOfSession: boolean;
  /** Whether a browser asks, for a link to files: a relay passes it only where its operator wants. */
  readonly isOfLink: boolean;
  /** Whether its body may take as long as parts of it come. */
  readonly isLong: boolean;
}

const SHORT = {
  kind: "exchange",
  isOfSession: false,
  isOfLink: false,
  isLong: false,
} as const;

const ROUTES: ReadonlyMap<string, RelayRoute> = new Map([
  [IDENTITY_PATH, { ...SHORT, method: "GET" }],
  [RECEIVE_PATH, { ...SHORT, method: "POST" }],
  [HANDSHAKE_PATH, { ...SHORT, method: "POST" }],
  [MESSAGE_PATH, { ...SHORT, method: "POST", isOfSession: true }],
  [CHANNEL_PATH, { ...SHORT, kind: "channel", method: "GET", isOfSession: true, isLong: true }],
]);
const FILE_ROUTE: RelayRoute = { ...SHORT, method: "GET", isLong: true };

/** An id of a link, of a ticket or of an upload. */
const ID = "[A-Za-z0-9_-]{22}";
/** What the page of a link asks of its node; the page itself is the relay's own. */
const LINK_ROUTES: readonly (readonly [RegExp, RelayRoute])[] = ([
  [`${ID}/(head|tickets|request|uploads|${ID}/done)`, { method: "POST" }],
  [`${ID}/${ID}/\\d{1,9}/\\d{1,9}`, { method: "POST", isLong: true }],
  [`${ID}/${ID}/(layer|data)`, { method: "GET", isLong: true }],
] as const).map(([below, route]) => [
  new RegExp(`^${LINK_PATH}${below}$`),
  { ...SHORT, isOfLink: true, ...route },
]);
const LINK_PAGE = new RegExp(`^${LINK_PATH}(?:${ID}|-/([a-z][a-z0-9_.]{0,63}))$`);

const QUERY = /^[A-Za-z0-9_.~=&-]{0,512}$/;
const FILE_NAME = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Finds what a request to a node behind a relay is.
 * @param target The raw path below the node's URL, with its query.
 * @throws {OpenRedError} `not_found` for a path that does not go through; `method_not_allowed`.
 */
export function relayRouteOf(method: string, target: string): RelayRoute {
  const [path = "", query = "", ...more] = target.split("?");
  const isFile = path.startsWith(FILE_PREFIX) && FILE_NAME.test(path.slice(FILE_PREFIX.length));
  const route = ROUTES.get(path) ?? (isFile ? FILE_ROUTE : linkRouteOf(path));
  if (route === undefined || more.length > 0 || !QUERY.test(query)) {
    throw new OpenRedError("not_found", "There is nothing at this path of a relay");
  }
  if (route.method === method) return route;
  throw new OpenRedError("method_not_allowed", `This path takes ${route.method}`);
}

function linkRouteOf(path: string): RelayRoute | undefined {
  return LINK_ROUTES.find(([pattern]) => pattern.test(path))?.[1];
}

/**
 * Finds the file of the page of links that a path below a node's URL names.
 * @returns `""` for the page itself; `null` for another path.
 */
export function linkPageFileOf(target: string): string | null {
  const found = LINK_PAGE.exec(target);
  return found === null ? null : found[1] ?? "";
}

/**
 * Splits the raw path of a request below a relay's URL.
 * @returns `null` where it leads to no node.
 */
export function relayedTarget(
  path: string,
): { readonly id: NodeId; readonly target: string } | null {
  if (!path.startsWith(RELAYED_PREFIX)) return null;
  const end = path.indexOf("/", RELAYED_PREFIX.length);
  if (end < 0) return null;
  const id = path.slice(RELAYED_PREFIX.length, end);
  return isNodeId(id) ? { id, target: path.slice(end) } : null;
}
