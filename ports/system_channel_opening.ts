/**
 * Opening a channel: connecting, TLS where the URL says so, and the handshake.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { OpenRedError } from "../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import { HeldBytes } from "./held_bytes.ts";
import type { Channel } from "./ports.ts";
import { SocketChannel } from "./system_channel.ts";
import { connect, readHead, type Trust } from "./system_connection.ts";
import { runWithDeadline } from "./system_deadline.ts";
import type { Socket } from "./system_socket.ts";
import { isAgreed, openingRequest } from "./websocket_handshake.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "ws:": 80, "wss:": 443 };

async function shakeHands(socket: Socket, url: URL): Promise<void> {
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  await socket.write(openingRequest(url, key));
  if (isAgreed(await readHead(socket), key)) return;
  throw new OpenRedError("unreachable", "The other end does not agree to a WebSocket");
}

async function open(
  url: URL,
  { trust, signal }: { readonly trust: Trust; readonly signal: AbortSignal },
): Promise<Channel> {
  const port = Number(url.port) || DEFAULT_PORTS[url.protocol]!;
  const remote = { hostname: url.hostname, port, isTls: url.protocol === "wss:", trust };
  const socket = await connect(remote, signal);
  const close = () => socket.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    await shakeHands(socket, url);
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
  const channel = new SocketChannel({ isOpener: true });
  const held = new HeldBytes({ perSourceBytes: MAX_FRAME_BYTES, totalBytes: MAX_FRAME_BYTES });
  channel.attach({ socket, hold: held.begin("") });
  return channel;
}

/** Opens a channel, as `HttpClient` says. Follows no redirect and offers no extension. */
export function openChannel(
  options: { url: string; timeoutMs: number; signal?: AbortSignal },
  trust: Trust,
): Promise<Channel> {
  return runWithDeadline(options, async (signal) => {
    const url = new URL(options.url);
    if (DEFAULT_PORTS[url.protocol] === undefined) throw new TypeError("Expected a ws: URL");
    return await open(url, { trust, signal });
  });
}
