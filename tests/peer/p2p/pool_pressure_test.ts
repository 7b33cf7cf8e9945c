import { assert, assertEquals } from "@std/assert";
import { encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import { PeerCarrier } from "../../../peer/p2p/peer_carrier.ts";
import { Bundles } from "../../../peer/sessions/bundles.ts";
import { ReliableSender } from "../../../peer/sessions/reliable.ts";
import type { FrameVerdict } from "../../../peer/sessions/frame_intake.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { answerJson, FakeHttp } from "../../world/fake_http.ts";
import { MINUTE_MS } from "../parts.ts";
import { SessionWorld } from "../sessions/session_world.ts";
import { FakeChannel } from "./fake_channel.ts";
import { settle } from "../../world/settle.ts";

const LIMITS = { maxConnections: 100, idleConnectionMs: 300_000 };
const BUFFER_BYTES = 4 * 2 ** 20;
const PEERS: readonly NodeId[] = Array.from(
  { length: 120 },
  (_, seed) => testIdentity(seed + 1).id,
);

/** A carrier whose network answers nothing by itself. The first byte of a frame that comes says who sent it. */
async function setUp() {
  const world = await SessionWorld.create();
  const ends = await world.session();
  const http = new FakeHttp();
  const told = { dropped: 0, posted: 0 };
  http.serve("https://", () => {
    told.posted += 1;
    return answerJson(200, { received: true });
  });
  const verdictOf = (frame: Uint8Array): FrameVerdict => {
    const peer = PEERS[frame[0]!] ?? world.peer.id;
    return { kind: "taken", session: { ...ends.own, peer } as typeof ends.own, fresh: true };
  };
  const carrier = new PeerCarrier({
    ...world.parts,
    http,
    ownId: world.own.id,
    urlOf: () => "https://peer.example",
    checkUrl: () => Promise.resolve(),
    receive: (frame) => Promise.resolve(verdictOf(frame)),
    sealFirst: () => Promise.resolve(new Uint8Array([200])),
    unknown: () => {},
    dropped: () => told.dropped += 1,
    sent: () => {},
  }, LIMITS);
  const say = async (channel: FakeChannel, peer: number) => {
    channel.listener?.message(new Uint8Array([peer]));
    await settle();
  };
  /** A channel opened and proven by the peer of that number; 200 is the peer of the session. */
  const accept = async (peer: number) => {
    const channel = new FakeChannel();
    carrier.channels.accept(channel, `192.0.2.${peer}`);
    await say(channel, peer);
    return channel;
  };
  return { world, ends, http, told, carrier, say, accept };
}

function frame(length = 60): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = 3;
  return bytes;
}

Deno.test("PeerCarrier keeps the 100 channels used last of 120 peers, and posts to the others", async () => {
  const { world, told, carrier, say, accept } = await setUp();
  using _ = world;
  const channels: FakeChannel[] = [];
  for (const peer of PEERS.keys()) {
    channels.push(await accept(peer));
    world.parts.clock.skip(1_000);
    // The first ten speak again or are written to just before it is their turn to go.
    if (peer === 95) { for (let used = 0; used < 5; used++) await say(channels[used]!, used); }
    if (peer === 95) { for (let used = 5; used < 10; used++) carrier.send(PEERS[used]!, frame()); }
  }
  const closed = [...channels.entries()].filter(([, channel]) => channel.closed !== null);
  assertEquals(closed.map(([peer]) => peer), Array.from({ length: 20 }, (_, index) => index + 10));
  assertEquals(new Set(closed.map(([, channel]) => channel.closed)), new Set([1000]));
  assertEquals(PEERS.filter((peer) => carrier.hasChannel(peer)).length, 100);
  carrier.send(PEERS[10]!, frame());
  carrier.send(PEERS[30]!, frame());
  await settle();
  assertEquals([told.posted, channels[10]!.sent.length, channels[30]!.sent.length], [1, 0, 1]);
});

Deno.test("PeerCarrier closes each of 100 channels after 300 s without use, and no other", async () => {
  const { world, carrier, say, accept } = await setUp();
  using _ = world;
  const channels: FakeChannel[] = [];
  for (let peer = 0; peer < 100; peer++) channels.push(await accept(peer));
  await world.parts.clock.advance(150_000);
  await say(channels[7]!, 7);
  await world.parts.clock.advance(149_999);
  assert(channels.every(({ closed }) => closed === null));
  await world.parts.clock.advance(1);
  assertEquals(PEERS.filter((peer) => carrier.hasChannel(peer)), [PEERS[7]!]);
  await world.parts.clock.advance(150_000);
  assertEquals(new Set(channels.map(({ closed }) => closed)), new Set([1000]));
  assertEquals(PEERS.filter((peer) => carrier.hasChannel(peer)), []);
});

Deno.test("PeerCarrier holds no more than 5 MiB and 260 requests for a peer that takes nothing, and counts the rest", async () => {
  const { world, http, told, carrier, accept } = await setUp();
  using _ = world;
  const channel = await accept(0);
  let buffered = 0;
  channel.send = (data) => void (channel.bufferedBytes = buffered += data.length);
  for (let sent = 0; sent < 1_000; sent++) carrier.send(PEERS[0]!, frame(2 ** 20));
  assert(buffered <= BUFFER_BYTES + 2 ** 20, `${buffered}`);
  assertEquals(told.dropped, 1_000 - 5);
  http.serve("https://", () => new Promise(() => {}));
  for (let sent = 0; sent < 1_000; sent++) carrier.send(PEERS[0]!, frame(), { post: true });
  await settle();
  assertEquals(http.requests.length, 4);
  assertEquals(told.dropped, 1_000 - 5 + 1_000 - 260);
});

Deno.test("a message dropped for want of room goes again until it is acknowledged", async () => {
  const { world, ends, told, carrier, accept } = await setUp();
  using _ = world;
  const { clock, random, background } = world.parts;
  const { table } = world;
  const channel = await accept(200);
  channel.bufferedBytes = BUFFER_BYTES + 1;
  const reliable = new ReliableSender({
    ...{ clock, random, table, carrier, background },
    bundles: new Bundles({ carrier, background }),
  });
  let acknowledged = 0;
  reliable.send({
    peer: world.peer.id,
    id: "one",
    header: { type: "test.thing" },
    body: encodeUtf8("once"),
    acknowledged: () => acknowledged += 1,
  });
  await settle();
  assertEquals([told.dropped, told.posted, channel.sent.length], [1, 0, 0]);
  await clock.advance(1_500);
  assertEquals([told.dropped, told.posted], [1, 1], "the repeat takes another way");
  channel.bufferedBytes = 0;
  reliable.acknowledge(ends.own.peer, "one");
  await clock.advance(MINUTE_MS);
  assertEquals([acknowledged, told.posted], [1, 1]);
});

Deno.test("PeerCarrier gives up a channel that was silent for half a minute of repeats, and opens another", async () => {
  const { world, http, told, carrier, accept } = await setUp();
  using _ = world;
  const { clock, random, background } = world.parts;
  const dead = await accept(200);
  const next = new FakeChannel();
  http.openedChannel = () => next;
  const { table } = world;
  const reliable = new ReliableSender({
    ...{ clock, random, table, carrier, background },
    bundles: new Bundles({ carrier, background }),
  });
  const { peer } = world;
  // Each is acknowledged by POST once it was repeated: nothing ever waits long, and nothing comes on the channel.
  for (let count = 0; count < 40 && dead.closed === null; count++) {
    const id = `${count}`;
    reliable.send({ peer: peer.id, id, header: { type: "a.b" }, acknowledged: () => {} });
    await clock.advance(1_500);
    reliable.acknowledge(peer.id, id);
    await clock.advance(1_000);
  }
  assertEquals(dead.closed, 1000);
  assert(clock.monotonicMs() >= MINUTE_MS / 2 && told.posted >= 10);
  carrier.send(peer.id, frame());
  await clock.advance(2_000);
  assert(carrier.hasChannel(peer.id));
  carrier.send(peer.id, frame());
  assertEquals(next.sent.length, 2, "the opening frame, and this one");
  reliable.stop();
});

Deno.test("PeerCarrier keeps a channel on which anything comes back, and one that nobody waits for", async () => {
  const { world, carrier, say, accept } = await setUp();
  using _ = world;
  const { clock } = world.parts;
  const [busy, quiet] = [await accept(200), await accept(1)];
  for (let second = 0; second < 240; second += 20) {
    carrier.send(world.peer.id, frame(), { post: true });
    carrier.send(PEERS[1]!, frame());
    if (second % 40 === 0) await say(busy, 200);
    await clock.advance(20_000);
  }
  assertEquals([busy.closed, quiet.closed], [null, null]);
});
