import { assert, assertEquals } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { ChannelPool } from "../../../peer/p2p/channels.ts";
import type { FrameVerdict } from "../../../peer/sessions/frame_intake.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { CHANNEL_CLOSE } from "../../../protocol/peer_api.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { FakeHttp } from "../../world/fake_http.ts";
import { SessionWorld } from "../sessions/session_world.ts";
import { FakeChannel } from "./fake_channel.ts";
import { settle } from "../../world/settle.ts";

const UNKNOWN = 0;
const REFUSED = 1;
const OF_PEER = 2;
const OF_OTHER = 3;
const REPEAT = 4;
const FULL = 5;
/** From this number on: a fresh frame of the peer of that number. */
const OF_NUMBER = 10;
const SOURCE = "192.0.2.1";

async function setUp(
  limits = { maxConnections: 100, idleConnectionMs: 300_000 },
  side = { larger: false },
) {
  const world = await SessionWorld.create(side);
  const { own: session } = await world.session();
  const other = { ...session, peer: world.directory.id } as typeof session;
  const room = Promise.withResolvers<void>();
  const verdicts: Record<number, FrameVerdict> = {
    [UNKNOWN]: { kind: "unknown" },
    [REFUSED]: { kind: "refused" },
    [OF_PEER]: { kind: "taken", session, fresh: true },
    [OF_OTHER]: { kind: "taken", session: other, fresh: true },
    [REPEAT]: { kind: "taken", session, fresh: false },
    [FULL]: { kind: "taken", session, fresh: true, room: room.promise },
  };
  const verdictOf = (kind: number): FrameVerdict => {
    if (kind < OF_NUMBER) return verdicts[kind]!;
    const peer = testIdentity(kind).id;
    return { kind: "taken", session: { ...session, peer } as typeof session, fresh: true };
  };
  const told = { received: [] as number[], unknown: [] as NodeId[], dropped: 0 };
  const http = new FakeHttp();
  const state = {
    first: new Uint8Array([9]) as Uint8Array<ArrayBuffer> | null,
    url: "https://peer.example/r" as string | null,
    checkUrl: () => Promise.resolve(),
  };
  const pool = new ChannelPool({
    ...world.parts,
    http,
    ownId: world.own.id,
    urlOf: () => state.url,
    checkUrl: () => state.checkUrl(),
    receive: async (frame) => {
      told.received.push(frame[0]!);
      await Promise.resolve();
      return verdictOf(frame[0]!);
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
    pool.accept(channel, SOURCE);
    await say(channel, kind);
    return channel;
  };
  return { world, pool, http, told, state, say, accept, room, peer: world.peer.id };
}

function frame(): Uint8Array<ArrayBuffer> {
  return new Uint8Array([42]);
}

Deno.test("ChannelPool sends on an accepted channel once its first frame opened", async () => {
  const { world, pool, say, peer } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  pool.accept(channel, SOURCE);
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
    pool.accept(channel, SOURCE);
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
  pool.accept(silent, SOURCE);
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
    channels.push(await accept(OF_NUMBER + index));
    world.parts.clock.skip(1_000);
  }
  await say(channels[0]!, OF_NUMBER);
  for (let index = 3; index < 5; index++) {
    world.parts.clock.skip(1_000);
    channels.push(await accept(OF_NUMBER + index));
  }
  assertEquals(channels.map(({ closed }) => closed), [null, 1000, 1000, null, null]);
});

Deno.test("ChannelPool closes channels of strangers before any of a peer that was decided about", async () => {
  const { world, accept } = await setUp({ maxConnections: 3, idleConnectionMs: 300_000 });
  using _ = world;
  const acceptLater = async (kind: number) => {
    world.parts.clock.skip(1_000);
    return await accept(kind);
  };
  const decide = (kind: number) => world.parts.permissions.accept(testIdentity(kind).id);
  await decide(OF_NUMBER);
  const decided = await accept(OF_NUMBER);
  const strangers = [await acceptLater(OF_NUMBER + 1), await acceptLater(OF_NUMBER + 2)];
  for (let index = 3; index < 6; index++) strangers.push(await acceptLater(OF_NUMBER + index));
  assertEquals(decided.closed, null);
  assertEquals(strangers.map(({ closed }) => closed), [1000, 1000, 1000, null, null]);

  const others = [];
  for (const kind of [OF_NUMBER + 6, OF_NUMBER + 7]) {
    await decide(kind);
    others.push(await acceptLater(kind));
  }
  assertEquals(strangers.map(({ closed }) => closed), Array<number>(5).fill(1000));
  const late = await acceptLater(OF_NUMBER + 8);
  assertEquals([decided, ...others, late].map(({ closed }) => closed), [null, null, null, 1000]);
});

Deno.test("ChannelPool keeps two channels of a peer at most, those that last carried a fresh frame", async () => {
  const { world, pool, accept, say } = await setUp({
    maxConnections: 3,
    idleConnectionMs: 300_000,
  });
  using _ = world;
  const other = await accept(OF_NUMBER);
  const channels = [await accept(), await accept()];
  await say(channels[0]!, OF_PEER);
  for (let index = 0; index < 3; index++) channels.push(await accept());
  assertEquals(channels.map(({ closed }) => closed), [1000, 1000, 1000, null, null]);
  assertEquals([other.closed, pool.has(testIdentity(OF_NUMBER).id)], [null, true]);
});

Deno.test("ChannelPool waits for nobody to confirm a close: silent sockets shut out nobody", async () => {
  const { world, pool, accept, peer } = await setUp();
  using _ = world;
  const silent = Array.from({ length: 100 }, () => new FakeChannel());
  for (const [index, channel] of silent.entries()) pool.accept(channel, `192.0.2.${index}`);
  await world.parts.clock.advance(5_000);
  assertEquals(new Set(silent.map(({ closed }) => closed)), new Set([1008]));
  const honest = await accept();
  assertEquals([honest.closed, pool.has(peer)], [null, true]);
});

Deno.test("ChannelPool gives the place of the channel that waits longest to the newest of 101", async () => {
  const { world, pool } = await setUp();
  using _ = world;
  const waiting = Array.from({ length: 101 }, () => new FakeChannel());
  for (const [index, channel] of waiting.entries()) pool.accept(channel, `192.0.2.${index}`);
  const closed = waiting.map((channel) => channel.closed);
  assertEquals(closed, [1008, ...Array<null>(100).fill(null)]);
});

Deno.test("ChannelPool.checkRoom() refuses a source with 50 sockets that are unproven or never end", async () => {
  const { world, pool, say } = await setUp();
  using _ = world;
  const isRefused = (source: string) => {
    try {
      pool.checkRoom(source);
      return false;
    } catch (error) {
      assert(error instanceof OpenRedError && error.code === "rate_limited");
      return true;
    }
  };
  const channels = Array.from({ length: 50 }, () => new FakeChannel());
  for (const channel of channels) {
    assert(!isRefused(SOURCE));
    pool.accept(channel, SOURCE);
  }
  assert(isRefused(SOURCE) && !isRefused("192.0.2.2"));
  await say(channels[0]!, OF_PEER);
  assert(!isRefused(SOURCE), "a proven one does not count");
  pool.accept(new FakeChannel(), SOURCE);
  await world.parts.clock.advance(5_000);
  assert(isRefused(SOURCE), "closing alone ends no socket");
  channels[1]!.listener?.close(1008);
  assert(!isRefused(SOURCE));
  await world.parts.clock.advance(300_000);
  assert(channels[0]!.closed === 1000 && isRefused(SOURCE), "nor that of a proven one");
  channels[0]!.listener?.close(1000);
  channels[0]!.listener?.close(1000);
  pool.accept(new FakeChannel(), SOURCE);
  assert(isRefused(SOURCE), "each counts once");
});

Deno.test("ChannelPool attaches no channel that was refused before its first frame had opened", async () => {
  const { world, pool, peer } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  pool.accept(channel, SOURCE);
  for (let count = 0; count < 65; count++) channel.listener?.message(new Uint8Array([OF_PEER]));
  await settle();
  assertEquals([channel.closed, pool.has(peer)], [1008, false]);
});

Deno.test("ChannelPool.open() calls no peer any more that lets none of 50 sockets end", async () => {
  const { world, pool, http, peer } = await setUp();
  using _ = world;
  http.openedChannel = () => {
    const channel = new FakeChannel();
    const listen = channel.listen.bind(channel);
    channel.listen = (listener) => {
      listen(listener);
      listener.message(new Uint8Array([OF_PEER]));
      listener.message(null);
    };
    return channel;
  };
  for (let count = 0; count < 60; count++) {
    pool.open(peer);
    await world.parts.clock.advance(400_000);
  }
  assertEquals(http.channels.length, 50);
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

Deno.test("ChannelPool.open() calls no URL that must not be called", async () => {
  const { world, pool, http, state, peer } = await setUp();
  using _ = world;
  state.checkUrl = () => Promise.reject(new OpenRedError("url_refused", "A private address"));
  pool.open(peer);
  await settle();
  assertEquals(http.channels, []);
});

Deno.test("ChannelPool.open() attaches no channel of a peer that may not be called any more", async () => {
  const { world, pool, http, state, peer } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  http.openedChannel = () => {
    state.url = null;
    return channel;
  };
  pool.open(peer);
  await settle();
  assertEquals([channel.closed, channel.sent, pool.has(peer)], [1001, [], false]);
});

Deno.test("ChannelPool.open() of the larger id opens nothing where the other did within a second", async () => {
  const { world, pool, http, accept, peer } = await setUp(undefined, { larger: true });
  using _ = world;
  pool.open(peer);
  await world.parts.clock.advance(999);
  await accept();
  await world.parts.clock.advance(1);
  assertEquals(http.channels, []);
});

Deno.test("ChannelPool.drop() closes the channels of a peer with 4404, and allows another at once", async () => {
  const { world, pool, http, accept, peer } = await setUp();
  using _ = world;
  const opened = new FakeChannel();
  http.openedChannel = () => opened;
  pool.open(peer);
  await settle();
  const accepted = await accept();
  pool.drop(peer);
  assertEquals([opened.closed, accepted.closed, pool.has(peer)], [4404, 4404, false]);
  pool.open(peer);
  await settle();
  assertEquals(http.channels.length, 2);
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
  pool.accept(late, SOURCE);
  assertEquals([channel.closed, late.closed], [1001, 1008]);
});

Deno.test("A channel on which more than 64 frames are refused within a minute is closed", async () => {
  const { world, say, accept } = await setUp();
  using _ = world;
  const channel = await accept();
  for (let frame = 0; frame < 64; frame++) await say(channel, REFUSED);
  world.parts.clock.skip(60_000);
  for (let frame = 0; frame < 64; frame++) await say(channel, REFUSED);
  assertEquals(channel.closed, null, "honest repeats that come late are no flood");
  await say(channel, REFUSED);
  assertEquals(channel.closed, CHANNEL_CLOSE.refused);
});

Deno.test("A channel's message has its work done once there is room for more of its peer", async () => {
  const { world, pool, told, room } = await setUp();
  using _ = world;
  const channel = new FakeChannel();
  pool.accept(channel, SOURCE);
  await channel.listener?.message(new Uint8Array([OF_PEER]));
  let isDone = false;
  const work = channel.listener?.message(new Uint8Array([FULL]));
  void work?.then(() => isDone = true);
  await settle();
  assertEquals([isDone, told.received.at(-1)], [false, FULL]);
  room.resolve();
  await settle();
  assertEquals(isDone, true);
});
