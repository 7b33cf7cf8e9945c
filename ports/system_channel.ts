import { OpenRedError } from "../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import type { Channel, ChannelListener, ChannelUpgrader } from "./ports.ts";
import { runWithDeadline } from "./system_deadline.ts";

const CLOSE_ABNORMAL = 1006;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_LARGE = 1009;
/** What may wait for `listen`. */
const MAX_KEPT_BYTES = 4 * MAX_FRAME_BYTES;
/** A message of few bytes costs memory too. */
const KEPT_OVERHEAD_BYTES = 256;
const MAX_REASON_LENGTH = 40;
/** Opened sockets may only name codes from 3000 on: 1008 becomes 4008. */
const CODE_SHIFT = 3_000;
/** How long the other end of an accepted socket may be silent; it is pinged after half of that. */
const SILENCE_SEC = 30;

/** A WebSocket as a {@linkcode Channel}, whichever end opened it. */
class WebSocketChannel implements Channel {
  readonly #socket: WebSocket;
  #listener: ChannelListener | null = null;
  #kept: (Uint8Array<ArrayBuffer> | null)[] = [];
  #keptBytes = 0;
  #unsent: Uint8Array<ArrayBuffer>[] = [];
  #unsentBytes = 0;
  #closeWhenOpen: (() => void) | null = null;
  #closeCode: number | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#onOpen());
    socket.addEventListener("message", ({ data }) => this.#onMessage(data));
    socket.addEventListener("close", ({ code }) => this.#onClose(code || CLOSE_ABNORMAL));
  }

  get bufferedBytes(): number {
    return this.#unsentBytes + this.#socket.bufferedAmount;
  }

  listen(listener: ChannelListener): void {
    if (this.#listener !== null) throw new TypeError("Cannot listen to a channel twice");
    this.#listener = listener;
    const kept = this.#kept;
    this.#kept = [];
    for (const data of kept) listener.message(data);
    if (this.#closeCode !== null) listener.close(this.#closeCode);
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(data);
    } else if (this.#isOpening()) {
      this.#unsent.push(data.slice());
      this.#unsentBytes += data.length;
    }
  }

  close(code: number, reason = ""): void {
    const close = () => this.#closeSocket(code, reason.slice(0, MAX_REASON_LENGTH));
    if (!this.#isOpening()) return close();
    this.#closeWhenOpen = close;
    // A socket whose client went away before its answer never opens, and never says that it ended.
    this.#tellEnd(CLOSE_ABNORMAL);
  }

  #isOpening(): boolean {
    return this.#socket.readyState === WebSocket.CONNECTING && this.#closeWhenOpen === null;
  }

  #closeSocket(code: number, reason: string): void {
    try {
      this.#socket.close(code, reason);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "InvalidAccessError")) throw error;
      this.#socket.close(code + CODE_SHIFT, reason);
    }
  }

  #onOpen(): void {
    for (const data of this.#unsent) this.#socket.send(data);
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#closeWhenOpen?.();
  }

  #onMessage(data: unknown): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : null;
    const length = bytes?.length ?? 0;
    if (length > MAX_FRAME_BYTES) return this.close(CLOSE_TOO_LARGE);
    if (this.#listener !== null) return this.#listener.message(bytes);
    this.#keptBytes += length + KEPT_OVERHEAD_BYTES;
    if (this.#keptBytes > MAX_KEPT_BYTES) return this.close(CLOSE_POLICY);
    this.#kept.push(bytes);
  }

  #onClose(code: number): void {
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#tellEnd(code);
  }

  #tellEnd(code: number): void {
    if (this.#closeCode !== null) return;
    this.#closeCode = code;
    this.#listener?.close(code);
  }
}

function waitForOpen(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("close", () => reject(new Error("The WebSocket was refused")), {
      once: true,
    });
    signal.addEventListener("abort", () => socket.close(), { once: true });
  });
}

/**
 * Opens a channel, as {@linkcode HttpClient} says. The runtime follows no redirect here and offers
 * no extension.
 */
export function openChannel(
  options: { url: string; timeoutMs: number; signal?: AbortSignal },
): Promise<Channel> {
  return runWithDeadline(options, async (signal) => {
    const socket = new WebSocket(options.url);
    const channel = new WebSocketChannel(socket);
    await waitForOpen(socket, signal);
    return channel;
  });
}

/**
 * Upgrades requests of `Deno.serve`. The response must be returned from its handler; `upgrade` throws
 * {@linkcode OpenRedError} `bad_request` for a request that is no WebSocket handshake.
 * @param options `silenceSec`: a channel whose other end sends nothing for half as many seconds is pinged, and closed
 *   (1001) if it goes on being silent for the other half. Only the runtime sees pings and what answers them.
 */
export function createChannelUpgrader(options: { readonly silenceSec: number }): ChannelUpgrader {
  return {
    upgrade(request) {
      try {
        const idleTimeout = options.silenceSec;
        const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout });
        return { response, channel: new WebSocketChannel(socket) };
      } catch (cause) {
        throw new OpenRedError("bad_request", "Expected a WebSocket handshake", { cause });
      }
    },
  };
}

export const systemChannelUpgrader = createChannelUpgrader({ silenceSec: SILENCE_SEC });
