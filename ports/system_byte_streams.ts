/**
 * Long answers over sockets of our own: what comes goes where the caller wants it, without a stream of the runtime in
 * between, and a limit of time counts pauses alone.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { unreachable } from "../protocol/unreachable.ts";
import type { ByteAnswer, ByteRequest, OpenBytes } from "./byte_streams.ts";
import { failureReason } from "./connection_failure.ts";
import { connect, PUBLIC_TRUST, readHead, type Trust } from "./system_connection.ts";
import { runWithDeadline } from "./system_deadline.ts";
import type { Socket } from "./system_socket.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
const STATUS_LINE = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/;

function requestHead(url: URL, headers: ByteRequest["headers"]): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return new TextEncoder().encode(
    `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n` +
      `connection: close\r\n${lines}\r\n`,
  );
}

/** @throws {Error} For what is no answer of HTTP/1.1, or one whose body has no plain length. */
function parseAnswer(text: string): Pick<ByteAnswer, "status" | "headers" | "bytes"> {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(STATUS_LINE.exec(first)?.[1] ?? NaN);
  if (Number.isNaN(status)) throw new Error("Received no answer of HTTP/1.1");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error("Received a header that is none");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const length = headers.get("content-length");
  if (length === undefined || headers.has("transfer-encoding")) {
    if (status < 300) throw new Error("Received an answer without a length");
    return { status, headers, bytes: 0 };
  }
  if (!/^\d{1,15}$/.test(length)) throw new Error("Received a length that is none");
  return { status, headers, bytes: Number(length) };
}

async function open(
  request: ByteRequest,
  { trust, signal }: { readonly trust: Trust; readonly signal: AbortSignal },
): Promise<ByteAnswer> {
  const url = new URL(request.url);
  const port = Number(url.port) || DEFAULT_PORTS[url.protocol];
  if (port === undefined) throw new TypeError("Expected an http: URL");
  const remote = { hostname: url.hostname, port, isTls: url.protocol === "https:", trust };
  const socket = await connect(remote, signal);
  const close = () => socket.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    await socket.write(requestHead(url, request.headers));
    return new SocketAnswer(socket, request, parseAnswer(await readHead(socket)));
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

class SocketAnswer implements ByteAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: number;
  readonly #socket: Socket;
  readonly #request: ByteRequest;
  readonly #aborted = () => this.close();
  #left: number;
  #isLate = false;

  constructor(
    socket: Socket,
    request: ByteRequest,
    head: Pick<ByteAnswer, "status" | "headers" | "bytes">,
  ) {
    this.#socket = socket;
    this.#request = request;
    this.status = head.status;
    this.headers = head.headers;
    this.bytes = head.bytes;
    this.#left = head.bytes;
    request.signal.addEventListener("abort", this.#aborted, { once: true });
    if (request.signal.aborted) this.close();
  }

  async read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#left === 0) return null;
    const timer = setTimeout(() => {
      this.#isLate = true;
      this.close();
    }, this.#request.idleMs);
    try {
      const length = await this.#socket.read(target.subarray(0, this.#left));
      if (length === null) throw new Error("The answer broke off");
      this.#left -= length;
      return length;
    } catch (cause) {
      throw this.#failure(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(cause: unknown): unknown {
    const { signal } = this.#request;
    if (signal.aborted) return signal.reason;
    if (this.#isLate) return unreachable("The other end", "too_slow");
    return cause instanceof OpenRedError
      ? cause
      : unreachable("The other end", failureReason(cause), { cause });
  }

  close(): void {
    this.#request.signal.removeEventListener("abort", this.#aborted);
    this.#socket.close();
  }
}

export function createOpenBytes(trust: Trust): OpenBytes {
  return (request) => runWithDeadline(request, (signal) => open(request, { trust, signal }));
}

export const openBytes: OpenBytes = createOpenBytes(PUBLIC_TRUST);
