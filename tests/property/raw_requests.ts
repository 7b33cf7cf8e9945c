/**
 * Bytes on a TCP connection that are HTTP only by resemblance.
 *
 * @module
 */
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { CANARY } from "./bad_json.ts";

/** What one connection sends, as a counterexample can show it; each part is one write. */
export interface RawRequest {
  readonly parts: readonly (string | readonly number[])[];
  /** Cut the connection after this part of all bytes, 0 to 1; `null` sends all and half-closes. */
  readonly cutAt: number | null;
}

const LINES = [
  "POST {path} HTTP/1.1",
  "POST {path} HTTP/1.0",
  "GET {path} HTTP/1.1",
  "HEAD {path} HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "TRACE {path} HTTP/1.1",
  "CONNECT a:1 HTTP/1.1",
  "GET http://[{path} HTTP/1.1",
  "GET http://u:p@other.example{path} HTTP/1.1",
  "GET //{path} HTTP/1.1",
  "GET /%ff%00{path}%zz HTTP/1.1",
  "GET /../..{path} HTTP/1.1",
  'GET {path}?\\"<>{}|^` HTTP/1.1',
  "GET {path}#fragment HTTP/1.1",
  `GET {path}?${"x".repeat(20_000)} HTTP/1.1`,
  "GET {path} HTTP/9.9",
  "GET {path}",
  "get {path} HTTP/1.1",
  `${CANARY} {path} HTTP/1.1`,
  "PRI * HTTP/2.0",
  " GET {path} HTTP/1.1",
  "",
] as const;

const HOSTS = [
  "a",
  "",
  "[",
  "a b",
  "a:99999",
  "[::1",
  "é",
  "a/b",
  CANARY,
  "127.0.0.1:1",
  "a,b",
  "@",
];

const HEADERS = [
  "Content-Length: 0",
  "Content-Length: 5",
  "Content-Length: -1",
  "Content-Length: 1e3",
  "Content-Length: 99999999999999999999",
  "Content-Length: 1000000",
  "Content-Length: 5\r\nContent-Length: 6",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 5",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: x",
  "Expect: 100-continue",
  "Expect: x",
  "Connection: close",
  "Connection: Upgrade\r\nUpgrade: websocket",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: x",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://a",
  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
  "OpenRed-Proof: a.b.c",
  `OpenRed-Proof: ${CANARY}`,
  "Authorization: Bearer x",
  `X: ${"x".repeat(100_000)}`,
  "X: y\r\n".repeat(300).trim(),
  "no colon",
  ": empty",
  "X: \0",
  " folded: x",
  "X\r\n",
] as const;

const BODIES = [
  "",
  "hello",
  "{}",
  `{"record":"${CANARY}"}`,
  "5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello",
  "-1\r\n",
  "ffffffffffffffffff\r\nx",
  "zz\r\n",
  `${"10\r\n0123456789abcdef\r\n".repeat(3_000)}0\r\n\r\n`,
  "0\r\nTrailer: x\r\n\r\n",
  "x".repeat(40_000),
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "\r\n\r\n\r\n",
] as const;

const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TLS_HELLO = [0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03];
/** WebSocket frames after an upgrade that may have worked: unmasked, reserved, endless, text, close. */
const WEBSOCKET_FRAMES = [
  [0x82, 0x01, 0x61],
  [0xf7, 0x80, 0, 0, 0, 0],
  [0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  [0x81, 0x81, 0, 0, 0, 0, 0x61],
  [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x01],
  [0x82, 0x80, 0, 0, 0, 0],
  [0x02, 0x81, 0, 0, 0, 0, 0x61, 0x00],
];

function httpRequest(paths: readonly string[]): fc.Arbitrary<RawRequest["parts"]> {
  return fc.record({
    line: fc.constantFrom(...LINES),
    path: fc.constantFrom(...paths),
    host: fc.option(fc.constantFrom(...HOSTS)),
    headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 3 }),
    body: fc.constantFrom(...BODIES),
    after: fc.option(fc.constantFrom(...WEBSOCKET_FRAMES)),
  }).map(({ line, path, host, headers, body, after }) => {
    const lines = [
      line.replace("{path}", path),
      ...(host === null ? [] : [`Host: ${host}`]),
      ...headers,
    ];
    return [`${lines.join("\r\n")}\r\n\r\n`, body, ...(after === null ? [] : [after])];
  });
}

/** One connection's worth of bytes. */
export function rawRequest(paths: readonly string[]): fc.Arbitrary<RawRequest> {
  const http = httpRequest(paths);
  const parts: fc.Arbitrary<RawRequest["parts"]> = fc.oneof(
    { weight: 8, arbitrary: http },
    {
      weight: 2,
      arbitrary: fc.array(http, { minLength: 2, maxLength: 12 }).map((all) => all.flat()),
    },
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((bytes) => [[...bytes]]),
    fc.uint8Array({ maxLength: 500 }).map((bytes) => [HTTP2_PREFACE, [...bytes]]),
    fc.constant([TLS_HELLO]),
  );
  const cutAt = fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  );
  return fc.record({ parts, cutAt });
}

/** All bytes of a connection. */
export function rawParts({ parts }: RawRequest): Uint8Array<ArrayBuffer>[] {
  return parts.map((part) => typeof part === "string" ? encodeUtf8(part) : new Uint8Array(part))
    .filter((bytes) => bytes.length > 0);
}
