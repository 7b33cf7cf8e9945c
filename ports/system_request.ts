/**
 * A request that came on a socket, as handlers see it. The runtime's own object would cost more than all the rest of
 * a plain look-up, and reads no body from a socket of ours without a stream around it.
 *
 * @module
 */
import type { Hold } from "./held_bytes.ts";
import type { RequestHead } from "./http_head.ts";
import type { PatientRequest } from "./ports.ts";
import type { RequestBody } from "./system_body.ts";
import type { Socket } from "./system_socket.ts";

/** What has to be told to whoever takes a request's socket over. */
export interface Takeover {
  /** The answer has left, or its socket is broken. */
  readonly open: () => void;
  /** Another answer was given. */
  readonly abandon: () => void;
}

/** A socket that is HTTP's no more. */
export interface TakenSocket {
  readonly socket: Socket;
  /** Counts what comes for the source of the request. */
  readonly hold: Hold;
}

/** The connection of a request. */
export interface RequestConnection {
  /** Fires when the client has gone; whoever asks for it has the connection watched. */
  watch(): AbortSignal;
  takeOver(takeover: Takeover): TakenSocket;
}

export interface RequestParts {
  readonly head: Pick<RequestHead, "method" | "url" | "headers">;
  /** `null` for a request without one. */
  readonly body: Pick<RequestBody, "isStarted" | "readAll" | "stream" | "takeTime"> | null;
  readonly connection: RequestConnection;
}

/** A body that has come whole. */
export class BytesBody {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #isStarted = false;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  takeTime(): void {}

  readAll(): Promise<Uint8Array<ArrayBuffer>> {
    this.#isStarted = true;
    return Promise.resolve(this.#bytes);
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#isStarted = true;
    return new Blob([this.#bytes]).stream();
  }
}

/** What handlers here use of a `Request`. */
type UsedRequest = Pick<
  Request,
  | "method"
  | "url"
  | "headers"
  | "signal"
  | "body"
  | "bodyUsed"
  | "arrayBuffer"
  | "bytes"
  | "text"
  | "json"
>;

/** One request. */
export class SocketRequest implements UsedRequest, PatientRequest {
  readonly #parts: RequestParts;
  #headers: Headers | null = null;
  #signal: AbortSignal | null = null;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  get method(): string {
    return this.#parts.head.method;
  }

  get url(): string {
    return this.#parts.head.url;
  }

  get headers(): Headers {
    return this.#headers ??= new Headers([...this.#parts.head.headers]);
  }

  get signal(): AbortSignal {
    return this.#signal ??= this.#parts.connection.watch();
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#stream ??= this.#parts.body?.stream() ?? null;
  }

  get bodyUsed(): boolean {
    return this.#parts.body?.isStarted ?? false;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.bytes().then(({ buffer, byteOffset, byteLength }) =>
      byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)
    );
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.bodyUsed) throw new TypeError("The body was read already");
    return await this.#parts.body?.readAll() ?? new Uint8Array();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  takeTime(): void {
    this.#parts.body?.takeTime();
  }

  /** The same for handlers; what a `Request` has besides is about requests that go out. */
  asRequest(): Request {
    return this as unknown as Request;
  }

  /**
   * Takes the socket for something else than HTTP, from the answer 101 on.
   * @throws {TypeError} For a request with a body, which would come first.
   */
  takeOver(takeover: Takeover): TakenSocket {
    if (this.#parts.body !== null) throw new TypeError("Expected no body");
    return this.#parts.connection.takeOver(takeover);
  }
}
