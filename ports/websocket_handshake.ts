/**
 * The opening of a WebSocket (RFC 6455 §4): no extension and no subprotocol is offered or agreed on.
 *
 * @module
 */
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** What answers a key. */
export function acceptOf(key: string): string {
  return createHash("sha1").update(key + GUID).digest("base64");
}

function names(list: string | null, token: string): boolean {
  return (list ?? "").split(",").some((one) => one.trim().toLowerCase() === token);
}

/** @returns The key of a request that asks for a WebSocket, or `null`. */
export function keyOfRequest(request: Pick<Request, "method" | "headers">): string | null {
  const { method, headers } = request;
  const key = headers.get("sec-websocket-key") ?? "";
  const isHandshake = method === "GET" && names(headers.get("upgrade"), "websocket") &&
    names(headers.get("connection"), "upgrade") &&
    headers.get("sec-websocket-version") === "13" && KEY.test(key);
  return isHandshake ? key : null;
}

/** Writes the request that opens a WebSocket. @param key 16 random bytes in base64. */
export function openingRequest(url: URL, key: string): Uint8Array {
  return new TextEncoder().encode(
    `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\n` +
      `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
}

/** @param head Of the answer, as Latin-1, without the blank line. @returns Whether it agrees to the request. */
export function isAgreed(head: string, key: string): boolean {
  const [status = "", ...lines] = head.split("\r\n");
  if (!/^HTTP\/1\.1 101(?: |$)/.test(status)) return false;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(":");
    headers.set(line.slice(0, Math.max(0, at)).toLowerCase(), line.slice(at + 1).trim());
  }
  return headers.get("upgrade")?.toLowerCase() === "websocket" &&
    names(headers.get("connection") ?? null, "upgrade") &&
    headers.get("sec-websocket-accept") === acceptOf(key) &&
    !headers.has("sec-websocket-extensions") && !headers.has("sec-websocket-protocol");
}
