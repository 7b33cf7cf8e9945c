import { assertEquals } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { LanPaths } from "../../../peer/ways/lan_paths.ts";
import type { OwnNetwork } from "../../../protocol/lan_paths.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const BOB = testIdentity(1).id as NodeId;
const MINUTE_MS = 60_000;
const AT_HOME: readonly OwnNetwork[] = [
  { address: "127.0.0.1", bits: 8 },
  { address: "93.184.216.34", bits: 24 },
  { address: "192.168.1.20", bits: 24 },
];
const path = (last: number) => `http://192.168.1.${last}:7601`;

class LanWorld {
  readonly clock = new VirtualClock(1_790_000_000_000);
  readonly sent: unknown[] = [];
  readonly accepted = new Set<NodeId>([BOB]);
  readonly met: NodeId[] = [BOB];
  readonly stop = new AbortController();
  networks = AT_HOME;
  readonly lan: LanPaths;

  constructor(hostname = "0.0.0.0", port = 7601) {
    this.lan = new LanPaths({
      clock: this.clock,
      networks: { list: () => this.networks },
      listener: { hostname, port },
      stopped: this.stop.signal,
      isAccepted: (peer) => this.accepted.has(peer),
      met: () => this.met,
      send: (_, header) => void this.sent.push(header.paths),
    });
  }
}

Deno.test("a node tells accepted peers its private addresses, and nobody else anything", () => {
  const world = new LanWorld();
  world.lan.greet(BOB);
  assertEquals(world.sent, [[path(20)]]);
  world.accepted.clear();
  world.lan.greet(BOB);
  assertEquals(world.sent.length, 1);
  assertEquals(world.lan.take(BOB, [path(21)]), false);
  world.accepted.add(BOB);
  assertEquals(world.lan.of(BOB), []);
});

Deno.test("who is accepted while there is a session is told then, and whoever told first is answered once", async () => {
  const world = new LanWorld();
  world.accepted.clear();
  world.lan.greet(BOB);
  await world.clock.advance(MINUTE_MS);
  assertEquals(world.sent, []);
  world.accepted.add(BOB);
  await world.clock.advance(MINUTE_MS);
  assertEquals(world.sent, [[path(20)]]);
  for (const last of [21, 21, 22]) world.lan.take(BOB, [path(last)]);
  await world.clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent, [[path(20)], [path(20)]]);
  world.met.pop();
  await world.clock.advance(MINUTE_MS);
  world.met.push(BOB);
  world.lan.greet(BOB);
  assertEquals(world.sent.length, 3);
});

Deno.test("only where it listens it can be called", () => {
  assertEquals(new LanWorld("192.168.1.20").lan.own, [path(20)]);
  assertEquals(new LanWorld("192.168.1.9").lan.own, []);
  assertEquals(new LanWorld("0.0.0.0", 443).lan.own, []);
  const world = new LanWorld("127.0.0.1");
  world.lan.greet(BOB);
  assertEquals(world.sent, []);
});

Deno.test("a machine with many addresses tells four", async () => {
  const world = new LanWorld();
  world.networks = Array.from({ length: 9 }, (_, i) => ({ address: `10.0.${i}.1`, bits: 24 }));
  await world.clock.advance(MINUTE_MS);
  assertEquals(world.lan.own.length, 4);
});

Deno.test("when its addresses change everybody is told, once, also that there are none", async () => {
  const world = new LanWorld();
  world.lan.greet(BOB);
  await world.clock.advance(10 * MINUTE_MS);
  world.networks = [{ address: "192.168.1.30", bits: 24 }];
  await world.clock.advance(MINUTE_MS);
  world.networks = [];
  await world.clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent, [[path(20)], [path(30)], []]);
  world.stop.abort();
  assertEquals(world.clock.waitingMs, []);
});

Deno.test("paths count in own networks only, and as long as the peer is accepted", async () => {
  const world = new LanWorld();
  world.lan.take(BOB, [path(21), "http://10.1.1.1:7601", path(20), path(21)]);
  assertEquals(world.lan.of(BOB), [path(21)]);
  world.networks = [{ address: "10.1.1.9", bits: 24 }];
  await world.clock.advance(MINUTE_MS);
  assertEquals(world.lan.of(BOB), ["http://10.1.1.1:7601"]);
  world.accepted.clear();
  assertEquals(world.lan.of(BOB), []);
});

Deno.test("a peer that tells other paths again and again moves this node once a minute", async () => {
  const world = new LanWorld();
  const looked = new Set<string>();
  for (let second = 0; second < 180; second++) {
    for (let turn = 0; turn < 5; turn++) {
      world.lan.take(BOB, [path(21 + (second * 5 + turn) % 200)]);
      for (const told of world.lan.of(BOB)) looked.add(told);
    }
    await world.clock.advance(1_000);
  }
  assertEquals(looked.size <= 3, true, `${looked.size} addresses`);
  // What it told last is what counts in the end.
  world.lan.take(BOB, [path(250)]);
  await world.clock.advance(MINUTE_MS);
  assertEquals(world.lan.of(BOB), [path(250)]);
});

Deno.test("paths of a thousand peers are remembered, and of more the ones that were told first go", () => {
  const world = new LanWorld();
  const peers = Array.from({ length: 1_001 }, (_, i) => `peer${i}` as NodeId);
  for (const peer of peers) {
    world.accepted.add(peer);
    world.lan.take(peer, [path(21)]);
  }
  assertEquals([world.lan.of(peers[0]!), world.lan.of(peers[1_000]!)], [[], [path(21)]]);
});
