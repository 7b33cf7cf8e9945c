import { assert, assertEquals } from "@std/assert";
import { ChannelPool } from "../../../peer/p2p/channels.ts";
import { systemHttpClient } from "../../../ports/system.ts";
import { createChannelUpgrader } from "../../../ports/system_channel.ts";
import { problemResponse } from "../../../protocol/http.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { serveLoopback } from "../../ports/loopback_server.ts";
import { RawClient, SilentServer } from "../../ports/raw_socket.ts";
import { SessionWorld } from "../sessions/session_world.ts";
import { until } from "../../world/until.ts";

/** How long the other end may take to agree to a close. */
const CLOSE_MS = 100;
const CLOSE_1008 = [0x88, 2, 1008 >> 8, 1008 & 0xff];

/** A pool behind a real server; the first part of a path stands for the source. */
async function setUp(urlOf: () => string | null = () => null) {
  const world = await SessionWorld.create();
  const { own: session } = await world.session();
  const halfOpen: string[] = [];
  const pool = new ChannelPool({
    ...world.parts,
    http: systemHttpClient,
    ownId: world.own.id,
    urlOf,
    checkUrl: () => Promise.resolve(),
    receive: () => Promise.resolve({ kind: "taken", session, fresh: true }),
    sealFirst: () => Promise.resolve(new Uint8Array([7])),
    unknown: () => {},
    dropped: () => {},
    halfOpen: (peer) => void halfOpen.push(peer),
  }, { maxConnections: 100, idleConnectionMs: 300_000 });
  const upgrader = createChannelUpgrader({ closeMs: CLOSE_MS });
  const server = serveLoopback((request) => {
    const source = new URL(request.url).pathname;
    try {
      pool.checkRoom(source);
    } catch (error) {
      return problemResponse(error as OpenRedError);
    }
    const { channel, response } = upgrader.upgrade(request);
    pool.accept(channel, source);
    return response;
  });
  return {
    world,
    pool,
    server,
    halfOpen,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      world[Symbol.dispose]();
    },
  };
}

Deno.test("sockets that answer nothing, not even a close, end by themselves and shut out neither other sources nor their own", async () => {
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
  for (const client of silent) {
    assertEquals(await client.read(1), [], "the descriptor is given back");
  }

  const url = `${server.url.replace("http", "ws")}/c`;
  const honest = await systemHttpClient.openChannel({ url, timeoutMs: 5_000 });
  honest.send(new Uint8Array([1]));
  const ended = new Promise<number>((resolve) => {
    honest.listen({ message: () => {}, close: resolve });
  });
  await until(() => pool.has(world.peer.id), "a proven channel");

  assertEquals(
    (await connect("a")).status,
    101,
    "nobody agreed to a close, and yet all have ended",
  );
  pool.stop();
  assertEquals(await ended, 1001);
});

Deno.test("the end that opened a channel closes it when the other end is silent for half a minute of repeats", async () => {
  using silent = new SilentServer();
  await using test = await setUp(() => silent.url);
  const { world: { parts, peer }, pool, halfOpen } = test;
  pool.open(peer.id);
  await until(() => pool.has(peer.id), "an open channel");
  using socket = await silent.accept();
  assert(pool.send(peer.id, new Uint8Array([42])));
  await parts.clock.advance(200_000);
  assert(pool.has(peer.id), "nothing had to be repeated");
  pool.doubt(peer.id);
  await parts.clock.advance(29_999);
  assert(pool.has(peer.id));
  assertEquals(halfOpen, []);
  await parts.clock.advance(1);
  assert(!pool.has(peer.id));
  assertEquals(halfOpen, [peer.id], "the way is told of");
  assertEquals(await socket.opcodes(3), ["binary", "binary", "close"]);
});
