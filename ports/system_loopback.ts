/**
 * The real {@linkcode SendLoopback}: as much HTTP/1.1 as a `Deno.serve` on the same machine speaks. `fetch` would use
 * a proxy, and `node:http` of Deno 2.4 never ends an answer whose connection broke.
 *
 * @module
 */
import {
  isLoopback,
  type LoopbackChallenge,
  type LoopbackRequest,
  type SendLoopback,
  UnprovenServer,
} from "./loopback.ts";
import { writeAll } from "./write_all.ts";

const MAX_LINE_BYTES = 16 * 1024;
const LINE_FEED = 10;
const MAX_PROOF_BYTES = 1_024;

/** Bytes of a connection, by the line or by the count. */
class ConnectionReader {
  readonly #connection: Deno.Conn;
  readonly #chunk = new Uint8Array(16 * 1024);
  #rest = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** @returns What came next, at most `maxBytes` of it; `null` at the end. */
  async readSome(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#rest.length === 0) {
      const length = await this.#connection.read(this.#chunk);
      if (length === null) return null;
      this.#rest = this.#chunk.slice(0, length);
    }
    const some = this.#rest.slice(0, maxBytes);
    this.#rest = this.#rest.slice(some.length);
    return some;
  }

  async readLine(): Promise<string> {
    let line = "";
    while (line.length < MAX_LINE_BYTES) {
      const end = this.#rest.indexOf(LINE_FEED);
      const some = await this.readSome(end === -1 ? MAX_LINE_BYTES : end + 1);
      if (some === null) throw new Error("The connection ended within an answer");
      line += String.fromCharCode(...some);
      if (line.includes("\n")) return this.#putBack(line);
    }
    throw new Error("Received a line that is too long");
  }

  /** Keeps what stands after the first line for later. */
  #putBack(text: string): string {
    const end = text.indexOf("\n");
    const later = Uint8Array.from(text.slice(end + 1), (character) => character.charCodeAt(0));
    const rest = new Uint8Array(later.length + this.#rest.length);
    rest.set(later);
    rest.set(this.#rest, later.length);
    this.#rest = rest;
    return text.slice(0, end).replace(/\r$/, "");
  }
}

async function* readExactly(
  reader: ConnectionReader,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let left = length; left > 0;) {
    const some = await reader.readSome(left);
    if (some === null) throw new Error("The connection ended within an answer");
    left -= some.length;
    yield some;
  }
}

async function* readChunks(reader: ConnectionReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  while (true) {
    const line = await reader.readLine();
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error("Received a chunk without a length");
    const length = Number.parseInt(line, 16);
    yield* readExactly(reader, length);
    await reader.readLine();
    if (length === 0) return;
  }
}

async function readHead(
  reader: ConnectionReader,
): Promise<{ status: number; headers: ReadonlyMap<string, string> }> {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(await reader.readLine())?.[1];
  if (status === undefined) throw new Error("Received something else than HTTP");
  const headers = new Map<string, string>();
  for (let line = await reader.readLine(); line !== ""; line = await reader.readLine()) {
    const [, name = "", value = ""] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    headers.set(name.toLowerCase(), value.trim());
  }
  return { status: Number(status), headers };
}

function bodyOf(reader: ConnectionReader, headers: ReadonlyMap<string, string>) {
  if (headers.get("transfer-encoding") === "chunked") return readChunks(reader);
  return readExactly(reader, Number(headers.get("content-length") ?? 0));
}

function encodeRequest(request: LoopbackRequest, url: URL): Uint8Array {
  const body = new TextEncoder().encode(request.body ?? "");
  // `Headers` refuses names and values that would end their line.
  const headers = new Headers({ ...request.headers });
  headers.set("host", url.host);
  headers.set("connection", "close");
  headers.set("content-length", String(body.length));
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${request.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`;
  const headBytes = new TextEncoder().encode(head);
  const bytes = new Uint8Array(headBytes.length + body.length);
  bytes.set(headBytes);
  bytes.set(body, headBytes.length);
  return bytes;
}

/** Whatever is wrong with the answer, its sender is not the one that was meant. */
async function readProof(reader: ConnectionReader): Promise<Uint8Array | null> {
  try {
    const { status, headers } = await readHead(reader);
    const length = Number(headers.get("content-length") ?? Number.NaN);
    if (status !== 200 || !(length <= MAX_PROOF_BYTES)) return null;
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const some of readExactly(reader, length)) {
      bytes.set(some, at);
      at += some.length;
    }
    return bytes;
  } catch {
    return null;
  }
}

async function challengeServer(
  connection: Deno.Conn,
  reader: ConnectionReader,
  { challenge, host }: { challenge: LoopbackChallenge; host: string },
): Promise<void> {
  const head = `GET ${challenge.path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  await writeAll(connection, new TextEncoder().encode(head));
  const proof = await readProof(reader);
  if (proof !== null && await challenge.isRight(proof)) return;
  throw new UnprovenServer("The other end did not prove itself");
}

/** Closes a connection once: at the end of its answer, or when the signal fires. */
function closeOnAbort(connection: Deno.Conn, signal: AbortSignal): () => void {
  let isOpen = true;
  const close = () => {
    if (isOpen) connection.close();
    isOpen = false;
    signal.removeEventListener("abort", close);
  };
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  return close;
}

async function* closing(
  body: AsyncIterable<Uint8Array>,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    close();
  }
}

/** The real {@linkcode SendLoopback}. */
export const sendLoopback: SendLoopback = async (request) => {
  const url = URL.canParse(request.url) ? new URL(request.url) : null;
  const hostname = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  if (url?.protocol !== "http:" || !isLoopback(hostname)) {
    throw new RangeError("Expected an http URL of a loopback address");
  }
  const bytes = encodeRequest(request, url);
  const connection = await Deno.connect({ hostname, port: Number(url.port || 80) });
  const close = closeOnAbort(connection, request.signal);
  try {
    const { challenge } = request;
    const reader = new ConnectionReader(connection);
    if (challenge !== undefined) {
      await challengeServer(connection, reader, { challenge, host: url.host });
    }
    await writeAll(connection, bytes);
    const { status, headers } = await readHead(reader);
    return { status, body: closing(bodyOf(reader, headers), close) };
  } catch (error) {
    close();
    throw error;
  }
};
