import { assert, assertEquals } from "@std/assert";
import { ChannelPool } from "../../../peer/p2p/channels.ts";
import { systemChannelUpgrader, systemHttpClient } from "../../../ports/system.ts";
import { problemResponse } from "../../../protocol/http.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { serveLoopback } from "../../ports/loopback_server.ts";
import { SessionWorld } from "../sessions/session_world.ts";

const CLOSE_1008 = [0x88, 2, 1008 >> 8, 1008 & 0xff];
const MASKED_CLOSE = new Uint8Array([0x88, 0x82, 0, 0, 0, 0, 1008 >> 8, 1008 & 0xff]);

/** A pool behind a real server; the first part of a path stands for the source. */
async function setUp() {
  const world = await SessionWorld.create();
  const { own: session } = await world.session();
  const pool = new ChannelPool({
    ...world.parts,
    http: systemHttpClient,
    ownId: world.own.id,
    urlOf: () => null,
    checkUrl: () => Promise.resolve(),
    receive: () => Promise.resolve({ kind: "taken", session, fresh: true }),
    sealFirst: () => Promise.resolve(null),
    unknown: () => {},
    dropped: () => {},
  }, { maxConnections: 100, idleConnectionMs: 300_000 });
  const server = serveLoopback((request) => {
    const source = new URL(request.url).pathname;
    try {
      pool.checkRoom(source);
    } catch (error) {
      return problemResponse(error as OpenRedError);
    }
    const { channel, response } = systemChannelUpgrader.upgrade(request);
    pool.accept(channel, source);
    return response;
  });
  return {
    world,
    pool,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      world[Symbol.dispose]();
    },
  };
}

/** Asks for a WebSocket by hand, and answers nothing by itself. */
class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly status: number;

  private constructor(connection: Deno.TcpConn, status: number) {
    this.#connection = connection;
    this.status = status;
  }

  static async connect(url: URL): Promise<RawClient> {
    const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    const lines = [
      `GET ${url.pathname} HTTP/1.1`,
      `Host: ${url.host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}`,
    ];
    await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    let head = "";
    const byte = new Uint8Array(1);
    while (!head.endsWith("\r\n\r\n") && await connection.read(byte) !== null) {
      head += String.fromCharCode(byte[0]!);
    }
    return new RawClient(connection, Number(head.split(" ")[1]));
  }

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

  async write(bytes: Uint8Array): Promise<void> {
    await this.#connection.write(bytes);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

Deno.test("sockets that answer nothing, not even a close, shut out neither other sources nor, once they end, their own", async () => {
  await using test = await setUp();
  const { world, pool, server } = test;
  using clients = new DisposableStack();
  const connect = async (source: string) =>
    clients.use(await RawClient.connect(new URL(`${server.url}/${source}`)));
  const silent: RawClient[] = [];
  for (const source of ["a", "b"]) {
    for (let count = 0; count < 50; count++) silent.push(await connect(source));
  }
  assert(silent.every(({ status }) => status === 101));
  assertEquals((await connect("a")).status, 429);
  await world.parts.clock.advance(5_000);
  for (const client of silent) assertEquals(await client.read(4), CLOSE_1008);
  assertEquals((await connect("a")).status, 429, "closing alone ends no socket");

  const url = `${server.url.replace("http", "ws")}/c`;
  const honest = await systemHttpClient.openChannel({ url, timeoutMs: 5_000 });
  honest.send(new Uint8Array([1]));
  const ended = new Promise<number>((resolve) => {
    honest.listen({ message: () => {}, close: resolve });
  });
  while (!pool.has(world.peer.id)) await new Promise((resolve) => setTimeout(resolve, 10));

  await silent[0]!.write(MASKED_CLOSE);
  await silent[0]!.read(1);
  assertEquals((await connect("a")).status, 101, "the close was answered");
  pool.stop();
  assertEquals(await ended, 1001);
});
