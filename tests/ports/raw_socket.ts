/**
 * WebSockets by hand, either end of one, that answer nothing by themselves: no ping, no close.
 *
 * @module
 */
import { createHash } from "node:crypto";

const KEY = btoa("0123456789abcdef");
const OPCODES: Readonly<Record<number, string>> = { 2: "binary", 8: "close", 9: "ping" };

async function readHead(connection: Deno.TcpConn): Promise<string> {
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n") && await connection.read(byte) !== null) {
    head += String.fromCharCode(byte[0]!);
  }
  return head;
}

async function write(connection: Deno.TcpConn, lines: readonly string[]): Promise<void> {
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
}

/** One connection, after its handshake. */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Reads so many bytes, or fewer if the other end is done. */
  async read(length: number): Promise<number[]> {
    const bytes: number[] = [];
    while (bytes.length < length) {
      const some = new Uint8Array(length - bytes.length);
      const count = await this.#connection.read(some);
      if (count === null) return bytes;
      bytes.push(...some.subarray(0, count));
    }
    return bytes;
  }

  /** What so many frames are, none of them of 126 bytes or more. */
  async opcodes(count: number): Promise<(string | undefined)[]> {
    const opcodes: (string | undefined)[] = [];
    for (let frame = 0; frame < count; frame++) {
      const [first = 0, second = 0] = await this.read(2);
      opcodes.push(OPCODES[first & 0x0f]);
      const maskBytes = second & 0x80 ? 4 : 0;
      await this.read(maskBytes + (second & 0x7f));
    }
    return opcodes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#connection.write(bytes);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Asks for a WebSocket. */
export class RawClient extends RawSocket {
  readonly status: number;

  private constructor(connection: Deno.TcpConn, status: number) {
    super(connection);
    this.status = status;
  }

  static async connect(url: URL): Promise<RawClient> {
    const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    await write(connection, [
      `GET ${url.pathname} HTTP/1.1`,
      `Host: ${url.host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${KEY}`,
    ]);
    const head = await readHead(connection);
    return new RawClient(connection, Number(head.split(" ")[1]));
  }
}

/** Takes one WebSocket and then says nothing on it. */
export class SilentServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #socket: Promise<RawSocket>;

  constructor() {
    this.#socket = this.#take();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  accept(): Promise<RawSocket> {
    return this.#socket;
  }

  async #take(): Promise<RawSocket> {
    const connection = await this.#listener.accept();
    const head = await readHead(connection);
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    await write(connection, [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept.digest("base64")}`,
    ]);
    return new RawSocket(connection);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
