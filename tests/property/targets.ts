/**
 * Request lines and headers that nobody in their right mind sends.
 *
 * @module
 */
import fc from "fast-check";
import { CANARY } from "./bad_json.ts";

/** The methods that a `Request` can carry. */
export const anyMethod = fc.constantFrom(
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  CANARY,
);

const ID = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";

const segment = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    "%2e%2e",
    "%2E.",
    "%00",
    "%ff",
    "%c0%af",
    "%",
    "%zz",
    "%25%32%65",
    ":id",
    "*",
    "__proto__",
    "constructor",
    ID,
    `${ID}%20`,
    ID.toLowerCase(),
    CANARY,
    `${CANARY};x=1`,
    "a\\b",
    "z".repeat(9_000),
    encodeURIComponent("é\u{1f600}"),
  ),
  fc.string({ maxLength: 30 }).map((text) =>
    encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ""))
  ),
);

/** A path: one of the endpoints bent, or anything. */
export function bentPath(paths: readonly string[]): fc.Arbitrary<string> {
  const path = fc.constantFrom(...paths);
  return fc.oneof(
    path,
    fc.tuple(path, segment).map(([known, more]) => `${known}/${more}`),
    fc.tuple(path, segment).map(([known, more]) => `/${more}${known}`),
    fc.tuple(path, segment).map(([known, more]) => known.replace(/[^/]*$/, more)),
    path.map((known) => known.toUpperCase()),
    path.map((known) => known.replaceAll("/", "//")),
    path.map((known) => `${known}%2f`),
    fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join("/")}`),
  );
}

const KNOWN_PARAMETERS = [
  "service",
  "alias",
  "status",
  "limit",
  "cursor",
  "nonce",
  "directory",
  "after",
];

const parameterValue = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "-1",
    "101",
    "1e2",
    "1.5",
    "NaN",
    "9".repeat(400),
    "%00",
    "%ff",
    "%",
    "a%0ab",
    "' OR 1=1 --",
    "active",
    "gone",
    "stale",
    ID,
    "A".repeat(22),
    "A".repeat(43),
    CANARY,
    "x".repeat(10_000),
    "__proto__",
  ),
  fc.string({ maxLength: 20 }),
);

/** A query, with its question mark, or nothing. */
export const absurdQuery = fc.oneof(
  fc.constantFrom("", "?", "?&&&=&", "?=", `?${"a&".repeat(5_000)}`, `?${CANARY}`, "?__proto__=1"),
  fc.array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...KNOWN_PARAMETERS), fc.string({ maxLength: 10 })),
      parameterValue,
    ),
    { maxLength: 5 },
  ).map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`),
);

const headerValue = fc.oneof(
  fc.constantFrom("", "0", "-1", "1e9", "NaN", "99999999999999999999", CANARY, "x".repeat(5_000)),
  fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\x7e]/g, "~").trim()),
);

/** Headers that endpoints look at, with values they do not expect. */
export const absurdHeaders: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(
    "openred-proof",
    "authorization",
    "content-length",
    "content-type",
    "content-encoding",
    "accept",
    "accept-encoding",
    "range",
    "if-none-match",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "origin",
    "host",
    "expect",
    "x-forwarded-for",
    "x-http-method-override",
    "cookie",
    "traceparent",
  ),
  headerValue,
  { maxKeys: 4 },
);
