/**
 * A load generator for HTTP/1.1 over plain sockets: keep-alive connections, one request at a time on each. `fetch` would
 * cost more than what is measured.
 *
 * @module
 */
import { pause } from "../scripts/local_network/timeout.ts";

const READ_BYTES = 64 * 1024;

/** The bytes of a request. */
export function encodeRequest(
  request: { readonly host: string; readonly path: string; readonly body?: string },
): Uint8Array<ArrayBuffer> {
  const { host, path, body } = request;
  const head = `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  const encoder = new TextEncoder();
  if (body === undefined) return encoder.encode(`${head}\r\n`);
  const length = encoder.encode(body).length;
  return encoder.encode(
    `${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  );
}

/** One keep-alive connection. */
class LoadConnection {
  readonly #connection: Deno.TcpConn;
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #decoder = new TextDecoder("latin1");

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** @throws {Error} On any answer but a 2xx with a length. */
  async exchange(request: Uint8Array): Promise<void> {
    for (let at = 0; at < request.length;) {
      at += await this.#connection.write(request.subarray(at));
    }
    let head = "";
    let received = 0;
    let headEnd = -1;
    while (headEnd < 0) {
      const count = await this.#read();
      head += this.#decoder.decode(this.#buffer.subarray(0, count));
      received += count;
      headEnd = head.indexOf("\r\n\r\n");
    }
    if (!head.startsWith("HTTP/1.1 2")) throw new Error(`Unexpected answer: ${head.slice(0, 400)}`);
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
    if (length === undefined) {
      throw new Error(`An answer without length: ${head.slice(0, headEnd)}`);
    }
    const end = headEnd + 4 + Number(length);
    while (received < end) received += await this.#read();
    if (received > end) throw new Error("An answer is longer than its length");
  }

  async #read(): Promise<number> {
    const count = await this.#connection.read(this.#buffer);
    if (count === null) throw new Error("The server closed a connection");
    return count;
  }

  close(): void {
    this.#connection.close();
  }
}

/** Hands out the requests of one connection, in order; `null` ends it. */
export type RequestSource = (connection: number) => Uint8Array | null;

/** Connections to one server. */
export class HttpLoad implements Disposable {
  readonly #connections: readonly LoadConnection[];

  private constructor(connections: readonly LoadConnection[]) {
    this.#connections = connections;
  }

  /** Opens `count` connections to a port of 127.0.0.1. */
  static async open(port: number, count: number): Promise<HttpLoad> {
    const connections: LoadConnection[] = [];
    for (let i = 0; i < count; i++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      connection.setNoDelay(true);
      connections.push(new LoadConnection(connection));
    }
    return new HttpLoad(connections);
  }

  /**
   * Sends requests on all connections until each has come to the end of its source.
   * @returns How many there were, and how long they took.
   */
  async run(source: RequestSource): Promise<{ count: number; seconds: number }> {
    const startMs = performance.now();
    const counts = await Promise.all(this.#connections.map(async (connection, number) => {
      let count = 0;
      for (let next = source(number); next !== null; next = source(number)) {
        await connection.exchange(next);
        count += 1;
      }
      return count;
    }));
    const seconds = (performance.now() - startMs) / 1_000;
    return { count: counts.reduce((sum, count) => sum + count, 0), seconds };
  }

  /**
   * Sends so many requests a second for a while, each on whichever connection is free.
   * @returns What each of them took, in milliseconds.
   */
  async pace(
    source: RequestSource,
    { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
  ): Promise<number[]> {
    const startMs = performance.now();
    const took: number[] = [];
    let begun = 0;
    await Promise.all(this.#connections.map(async (connection, number) => {
      for (;;) {
        const dueMs = begun++ * 1_000 / perSecond;
        const waitMs = dueMs - (performance.now() - startMs);
        if (dueMs >= forMs || waitMs <= dueMs - forMs) return;
        if (waitMs > 0) await pause(waitMs);
        const request = source(number);
        if (request === null) return;
        const sentMs = performance.now();
        await connection.exchange(request);
        took.push(performance.now() - sentMs);
      }
    }));
    return took;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}
