import { assert, assertEquals } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { ChannelPool } from "../../../peer/p2p/channels.ts";
import type { FrameVerdict } from "../../../peer/sessions/sessions.ts";
import { FakeHttp } from "../fake_http.ts";
import { settle } from "../virtual_clock.ts";
import { SessionWorld } from "../sessions/session_world.ts";
import { FakeChannel } from "./fake_channel.ts";

const UNKNOWN = 0;
const REFUSED = 1;
const OF_PEER = 2;
const OF_OTHER = 3;
const REPEAT = 4;

async function setUp(limits = { maxConnections: 100, idleConnectionMs: 300_000 }) {
  const world = await SessionWorld.create();
  const { own: session } = await world.session();
  const other = { ...session, peer: world.directory.id } as typeof session;
  const verdicts: Record<number, FrameVerdict> = {
    [UNKNOWN]: { kind: "unknown" },
    [REFUSED]: { kind: "refused" },
    [OF_PEER]: { kind: "taken", session, fresh: true },
    [OF_OTHER]: { kind: "taken", session: other, fresh: true },
    [REPEAT]: { kind: "taken", session, fresh: false },
  };
  const told = { received: [] as number[], unknown: [] as NodeId[], dropped: 0 };
  const http = new FakeHttp();
  const state = { first: new Uint8Array([9]) as Uint8Array<ArrayBuffer> | null };
  const pool = new ChannelPool({
    ...world.parts,
    http,
    ownId: world.own.id,
    urlOf: () => "https://peer.example/r",
    checkUrl: () => Promise.resolve(),
    receive: async (frame) => {
      told.received.push(frame[0]!);
      await Promise.resolve();
      return verdicts[frame[0]!]!;
    },
    sealFirst: () => Promise.resolve(state.first),
    unknown: (peer) => told.unknown.push(peer),
    dropped: () => told.dropped += 1,
  }, limits);
  const say = async (channel: FakeChannel, kind: number | null) => {
    channel.listener?.message(kind === null ? null : new Uint8Array([kind]));
    await settle();
  };
  /** A channel somebody opened, proven by a frame. */
  const accept = async (kind = OF_PEER) => {
    const channel = new FakeChannel();
    pool.accept(channel);
    await say(channel, kind);
    return channel;
  };
  return { world, pool, http, told, state, say, accept, peer: world.peer.id };
}

function frame(): Uint8Array<ArrayBuffer> {
  return new Uint8Array([42]);
}

Deno.test("ChannelPool sends on an accepted channel once its first frame opened", async () => {
  const { world, pool, say, peer } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  pool.accept(channel);
  assert(!pool.send(peer, frame()));
  await say(channel, OF_PEER);
  assert(pool.send(peer, frame()));
  assertEquals(channel.sent.length, 1);
});

for (
  const [kind, code, name] of [
    [UNKNOWN, 4404, "an unknown session"],
    [REFUSED, 1008, "a frame that does not open"],
    [REPEAT, 1008, "a frame that is not fresh"],
    [null, 1008, "text"],
  ] as const
) {
  Deno.test(`ChannelPool closes with ${code} on ${name} as first message, and takes no other`, async () => {
    const { world, pool, told, say, peer } = await setUp();
    using _ = world;
    const channel = new FakeChannel();
    pool.accept(channel);
    channel.listener?.message(kind === null ? null : new Uint8Array([kind]));
    await say(channel, OF_PEER);
    assertEquals([channel.closed, pool.has(peer)], [code, false]);
    assert(!told.received.includes(OF_PEER));
    channel.listener?.close(code);
    await world.parts.clock.advance(10_000);
    assertEquals(channel.closed, code);
  });
}

Deno.test("ChannelPool closes with 1008 what says nothing for 5 s", async () => {
  const { world, pool, accept } = await setUp();
  using _ = world;
  const silent = new FakeChannel();
  pool.accept(silent);
  const proven = await accept();
  await world.parts.clock.advance(4_999);
  assertEquals(silent.closed, null);
  await world.parts.clock.advance(1);
  assertEquals([silent.closed, proven.closed], [1008, null]);
});

for (
  const [kind, code] of [[null, 1008], [OF_OTHER, 1008], [UNKNOWN, 4404], [REFUSED, null]] as const
) {
  const name = kind === null ? "text" : ["unknown", "refused", "", "other peer's"][kind];
  Deno.test(`ChannelPool ${code === null ? "goes on" : `closes with ${code}`} after a ${name} frame`, async () => {
    const { world, pool, accept, say, peer } = await setUp();
    using _ = world;
    const channel = await accept();
    await say(channel, kind);
    assertEquals(channel.closed, code);
    assertEquals(pool.has(peer), code === null, "nothing is sent on it from then on");
    channel.listener?.close(code ?? 1000);
    assert(!pool.has(peer));
  });
}

Deno.test("ChannelPool sends on the channel that last carried a fresh frame", async () => {
  const { world, pool, accept, say, peer } = await setUp();
  using _ = world;
  const [first, second] = [await accept(), await accept()];
  pool.send(peer, frame());
  await say(first, REPEAT);
  pool.send(peer, frame());
  assertEquals([first.sent.length, second.sent.length], [0, 2], "a repeat proves nothing");
  await say(first, OF_PEER);
  pool.send(peer, frame());
  assertEquals([first.sent.length, second.sent.length], [1, 2]);
});

Deno.test("ChannelPool closes an idle channel with 1000, counted from its last use", async () => {
  const { world, pool, accept, peer } = await setUp();
  using _ = world;
  const channel = await accept();
  await world.parts.clock.advance(200_000);
  pool.send(peer, frame());
  await world.parts.clock.advance(299_999);
  assertEquals(channel.closed, null);
  await world.parts.clock.advance(1);
  assertEquals([channel.closed, pool.has(peer)], [1000, false]);
});

Deno.test("ChannelPool closes the one used longest ago when there are too many", async () => {
  const { world, accept, say } = await setUp({ maxConnections: 3, idleConnectionMs: 300_000 });
  using _ = world;
  const channels: FakeChannel[] = [];
  for (let index = 0; index < 3; index++) {
    channels.push(await accept());
    world.parts.clock.skip(1_000);
  }
  await say(channels[0]!, OF_PEER);
  for (let index = 0; index < 2; index++) {
    world.parts.clock.skip(1_000);
    channels.push(await accept());
  }
  assertEquals(channels.map(({ closed }) => closed), [null, 1000, 1000, null, null]);
});

Deno.test("ChannelPool drops a frame rather than buffer more than 4 MiB", async () => {
  const { world, pool, told, accept, peer } = await setUp();
  using _ = world;
  const channel = await accept();
  channel.bufferedBytes = 4 * 2 ** 20 + 1;
  assert(pool.send(peer, frame()));
  assertEquals([channel.sent.length, told.dropped], [0, 1]);
});

Deno.test("ChannelPool.open() calls the ws form of the peer's URL and speaks first", async () => {
  const { world, pool, http, peer } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  http.openedChannel = () => channel;
  pool.open(peer);
  pool.open(peer);
  await settle();
  assertEquals(http.channels, ["wss://peer.example/r/p2p/channel"]);
  assertEquals(channel.sent, [new Uint8Array([9])]);
  assert(pool.has(peer));
});

Deno.test("ChannelPool.open() opens nothing before a session is confirmed, then at once", async () => {
  const { world, pool, http, state, peer } = await setUp();
  using _ = world;
  http.openedChannel = () => new FakeChannel();
  const { first } = state;
  state.first = null;
  pool.open(peer);
  await settle();
  assertEquals(http.channels, []);
  state.first = first;
  pool.open(peer);
  await settle();
  assertEquals(http.channels.length, 1);
});

Deno.test("ChannelPool.open() tries again with growing pauses only", async () => {
  const { world, pool, http, peer } = await setUp();
  using _ = world;
  for (let second = 0; second < 60; second++) {
    pool.open(peer);
    await world.parts.clock.advance(1_000);
  }
  assert(http.channels.length >= 5 && http.channels.length <= 8, `${http.channels.length}`);
});

Deno.test("ChannelPool hints at an unknown session when the other end closes with 4404", async () => {
  const { world, told, accept, peer } = await setUp();
  using _ = world;
  (await accept()).listener?.close(4404);
  (await accept()).listener?.close(1000);
  assertEquals(told.unknown, [peer]);
});

Deno.test("ChannelPool.stop() closes all with 1001 and accepts no more", async () => {
  const { world, pool, accept } = await setUp();
  using _ = world;
  const channel = await accept();
  pool.stop();
  const late = new FakeChannel();
  pool.accept(late);
  assertEquals([channel.closed, late.closed], [1001, 1008]);
});
