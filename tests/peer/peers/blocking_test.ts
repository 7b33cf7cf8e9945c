import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { type Answer, FriendWorld } from "./friend_world.ts";
import { builtInOf, moduleOf } from "../../world/test_module.ts";
import { RecordingHandler } from "../modules/recording_handler.ts";

const MODULES = ["gallery", "authentication", "weather", "xyz", "core2"];
const PERMISSIONS = ["files", "auth"];
const TYPES = ["text", "chunk", "core", "hello"];
const MOMENTS = 40;

function problemOf({ status, content }: Answer): [number, string] {
  return [status, content.code];
}

async function turnsOfTheLoop(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }
}

Deno.test("no frame of any module reaches its handler before the peer may", async () => {
  const handlers = new Map(MODULES.map((module) => [module, new RecordingHandler()]));
  const frames = TYPES.map((type) => ({ type }));
  const modules = [...handlers].map(([name, handler], index) =>
    builtInOf(moduleOf({ name, permissions: [PERMISSIONS[index] ?? name], frames }, handler))
  );
  await using world = await FriendWorld.start(modules);
  const sendAll = async () => {
    for (const [index, module] of MODULES.entries()) {
      for (const name of TYPES) {
        const header = { type: `${module}.${name}`, id: `${name}${index}` };
        assertEquals((await world.sendFrame(header)).status, 200);
      }
    }
    await turnsOfTheLoop(50);
    return [...handlers.values()].map(({ seen }) => seen.splice(0).length);
  };
  assertEquals(await sendAll(), [0, 0, 0, 0, 0]);
  await world.decide("allow", { permission: "weather" });
  assertEquals(await sendAll(), [0, 0, 4, 0, 0]);
  await world.decide("allow", { permission: "files" });
  await world.decide("deny", { permission: "weather" });
  assertEquals(await sendAll(), [4, 0, 0, 0, 0]);
});

Deno.test("a blocked peer's frames, halves and handshakes are answered as an unknown node's", async () => {
  await using world = await FriendWorld.start();
  const { pair } = await world.introduce();
  const before = await world.decide("show");
  assertEquals([before.sessions, before.blocked_since], [1, null]);
  const after = await world.decide("block");
  assertEquals([after.sessions, after.standby_pairs, after.permissions], [0, 0, []]);
  const refused: [number, string] = [403, "handshake_rejected"];
  assertEquals(problemOf(await world.sendFrame({ type: "core.tick" })), [404, "session_unknown"]);
  assertEquals(problemOf(await world.shakeHands(pair)), refused);
  const second = await world.introduce();
  assertEquals(second.answer, { status: 200, content: { received: true } });
  assertEquals(problemOf(await world.shakeHands(second.pair)), refused);
  assertEquals(await world.push(second.pair.statement), second.answer);
  await world.decide("unblock");
  assertEquals(problemOf(await world.shakeHands(second.pair)), refused, "it was thrown away");
  assertEquals((await world.push(pair.statement)).status, 200);
  assertEquals(problemOf(await world.shakeHands(pair)), refused, "a half of before is spent");
  const third = await world.introduce();
  assertEquals((await world.shakeHands(third.pair)).status, 200);
});

Deno.test("a half for a blocked peer is remembered as any other: other text under its id is refused", async () => {
  await using world = await FriendWorld.start();
  await world.decide("block");
  const { pair } = await world.introduce();
  const other = await world.push({ ...pair.statement, more: 1 });
  assertEquals(problemOf(other), [409, "pair_seen"]);
});

Deno.test("blocking while a handshake is under way leaves no session, at whatever moment", async () => {
  await using world = await FriendWorld.start();
  for (let moment = 0; moment < MOMENTS; moment++) {
    const { pair } = await world.introduce();
    const answering = world.shakeHands(pair);
    await turnsOfTheLoop(moment);
    assertNotEquals((await world.decide("block")).blocked_since, null);
    await answering;
    const { sessions, peers } = await world.status();
    const left = sessions.filter((session) => session.peer === world.friendId);
    assertEquals([moment, left], [moment, []]);
    const friend = peers.find((peer) => peer.node_id === world.friendId);
    assertEquals([moment, friend?.standby_pairs], [moment, 0]);
    await world.decide("unblock");
  }
});

Deno.test("connecting and writing to a blocked peer says so, and stores nothing", async () => {
  await using world = await FriendWorld.start();
  await world.decide("block");
  const inputs = {
    connect: { wait_ms: 0 },
    "/m/messaging/messages": { text: "hello", wait_ms: 0 },
  };
  for (const [path, input] of Object.entries(inputs)) {
    const answer = await world.ask(path, { peer: world.friendId, ...input });
    assertEquals(problemOf(answer), [403, "forbidden"]);
    assertMatch(answer.content.detail, /blocked here; unblock it first/);
  }
  assertEquals((await world.decide("show")).outbox, 0);
});

Deno.test("writing to a peer allows it message and files, unless message was denied", async () => {
  await using world = await FriendWorld.start();
  const input = { peer: world.friendId, text: "hello", wait_ms: 0 };
  const write = () => world.ask("/m/messaging/messages", input);
  await world.decide("deny", { permission: "message" });
  assertEquals((await write()).status, 200);
  assertEquals((await world.decide("show")).permissions, []);
  await world.decide("reset", { permission: null });
  assertEquals((await write()).status, 200);
  assertEquals((await world.decide("show")).permissions, ["files", "message"]);
});

Deno.test("a stranger's messages are kept as requests up to a cap, and go on once it is accepted", async () => {
  await using world = await FriendWorld.start();
  for (let count = 0; count < 25; count++) {
    await world.sendFrame({ type: "messaging.text", id: `m${count}` }, encodeUtf8("hi"));
    while (count < 20 && (await world.inbox()).length <= count) await turnsOfTheLoop(10);
  }
  await turnsOfTheLoop(200);
  assertEquals(await world.inbox(), Array(20).fill(true));
  await world.decide("allow", { permission: "message" });
  await world.sendFrame({ type: "messaging.text", id: "later" }, encodeUtf8("hi"));
  while ((await world.inbox()).length < 21) await turnsOfTheLoop(10);
  assertEquals(await world.inbox(), Array(21).fill(false));
});

Deno.test("forgetting a peer takes all but a block", async () => {
  await using world = await FriendWorld.start();
  await world.decide("alias", { name: "Bob" });
  await world.decide("allow", { permission: "files" });
  await world.decide("block");
  const { content: left } = await world.ask("peers/forget", { peer: "bob" });
  assertEquals([left.petname, left.allowed, left.known, left.api_url], [null, [], false, null]);
  assertNotEquals(left.blocked_since, null);
  assertEquals(problemOf(await world.ask("peers/show", { peer: "bob" })), [404, "not_found"]);
});

Deno.test("a petname leads to one peer, whatever its capitals, and is refused to a second one", async () => {
  await using world = await FriendWorld.start();
  await world.decide("alias", { name: "bob" });
  assertEquals((await world.decide("alias", { name: "Bob" })).petname, "Bob");
  const shown = await world.ask("peers/show", { peer: "BOB" });
  assertEquals([shown.status, shown.content.node_id], [200, world.friendId]);
  const { node_id: ownId } = await world.status();
  const own = await world.ask("peers/alias", { peer: ownId, name: "me" });
  assertEquals(problemOf(own), [400, "bad_request"]);
  const other = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
  assertEquals(problemOf(await world.ask("peers/alias", { peer: other, name: "bOb" })), [
    400,
    "bad_request",
  ]);
  const wrong = [
    "\u202ebob",
    "b\u200bob",
    "a\u0000",
    " bob",
    "",
    "a  b",
    other,
    "openred:x",
    "-b",
    "x".repeat(65),
  ];
  for (const name of wrong) {
    const refused = await world.ask("peers/alias", { peer: other, name });
    assertEquals([name, refused.status], [name, 400]);
  }
  assertEquals((await world.decide("alias", { name: null })).petname, null);
  assertEquals((await world.ask("peers/alias", { peer: other, name: "bob" })).status, 200);
});
