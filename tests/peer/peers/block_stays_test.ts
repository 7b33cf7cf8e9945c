import { assertEquals, assertNotEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import type { HttpRequest } from "../../../ports/ports.ts";
import { RunningNode } from "../../property/running_node.ts";
import { TestParts } from "../parts.ts";
import { FriendWorld } from "./friend_world.ts";
import { keepOpen } from "../../world/kept_database.ts";
import { MemoryFiles } from "../../world/memory_files.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { MINUTE_MS } from "../parts.ts";

/** A disk that outlives the process on it. */
function createDisk() {
  const database = new DatabaseSync(":memory:");
  const kept = keepOpen(database);
  return { options: { files: new MemoryFiles(), openDatabase: () => kept } };
}

Deno.test("a block stays over a restart, and the node does not call whom it blocked", async () => {
  const { options } = createDisk();
  const world = await FriendWorld.start([], options);
  const { friendId, network } = world;
  assertNotEquals((await world.decide("block")).blocked_since, null);
  await world[Symbol.asyncDispose]();
  const asked: string[] = [];
  const request = network.request.bind(network);
  network.request = (call: HttpRequest) => {
    asked.push(new URL(call.url).pathname);
    return request(call);
  };
  const clock = new VirtualClock(Date.now());
  await using node = await RunningNode.start({ ...options, network, clock });
  const { node_id: ownId, peers } = await node.status();
  const peer = peers.find(({ node_id }) => node_id === friendId);
  assertEquals([peer?.known, peer?.standing], [true, "blocked"]);
  await clock.advance(MINUTE_MS);
  const aboutItself = ["/nodes/register", `/nodes/${ownId}`];
  assertEquals(asked.filter((path) => !aboutItself.some((own) => path.endsWith(own))), []);
});

Deno.test("a handshake is refused by the block itself, not only because its pair is gone", async () => {
  await using world = await FriendWorld.start();
  const { pair } = await world.introduce();
  await world.noteBlock();
  const { status, content } = await world.shakeHands(pair);
  assertEquals([status, content.code], [403, "handshake_rejected"]);
});

Deno.test("permissions move along with a succession; denies and blocks win", async () => {
  using parts = await TestParts.create();
  const [old, next] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill)));
  const { permissions, store } = parts;
  await permissions.decide(old!, { name: "files", allowed: false });
  await permissions.decide(next!, { name: "files", allowed: true });
  await permissions.decide(old!, { name: "auth", allowed: true });
  await permissions.decide(next!, { name: "auth", allowed: false });
  await permissions.decide(old!, { name: "message", allowed: true });
  await permissions.join("friends", old!);
  await permissions.join("work", next!);
  await store.write(() => permissions.writeMove(old!, next!));
  const moved = permissions.of(next!);
  assertEquals([moved.allowed, moved.denied], [["message"], ["auth", "files"]]);
  assertEquals(moved.groups, ["friends", "work"]);
  assertEquals(permissions.mentions(old!), false);
  await permissions.block(old!);
  await store.write(() => permissions.writeMove(old!, next!));
  assertEquals([permissions.isBlocked(old!), permissions.isBlocked(next!)], [false, true]);
});
