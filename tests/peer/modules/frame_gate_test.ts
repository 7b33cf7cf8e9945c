import { assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import type { OpenRedModule } from "../../../modules/api.ts";
import { FrameGate } from "../../../peer/modules/frame_gate.ts";
import { FrameIds } from "../../../peer/modules/frame_ids.ts";
import { PermissionNames } from "../../../peer/peers/permission_names.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { StrangerPolicy } from "../../../protocol/node_settings.ts";
import { settle } from "../../world/settle.ts";
import {
  builtInOf,
  moduleOf,
  runningModule,
  runningModules,
  type TestManifest,
} from "../../world/test_module.ts";
import { MINUTE_MS, TestParts } from "../parts.ts";
import { FriendWorld } from "../peers/friend_world.ts";
import { RecordingHandler } from "./recording_handler.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));
const OTHER = encodeNodeId(new Uint8Array(32).fill(2));

/** Messaging takes requests of strangers; the others take none. */
const MANIFESTS: readonly TestManifest[] = [
  {
    name: "messaging",
    permissions: ["message"],
    frames: [{ type: "text", members: ["umbrella"], strangers: true }],
  },
  { name: "file_sharing", permissions: ["files"], frames: [{ type: "chunk" }] },
  { name: "weather", frames: [{ type: "report" }] },
];

function gateOver(parts: TestParts, modules: readonly OpenRedModule[], strangers: StrangerPolicy) {
  const running = modules.map((module) => runningModule(module));
  const gate = new FrameGate({ ...parts, frameIds: new FrameIds(parts.store) }, {
    modules: runningModules(...running),
    strangers,
  });
  const take = (type: string, id = "i") =>
    gate.take(PEER, { type, id, input: { type, id }, body: new Uint8Array() });
  return { gate, take };
}

function gateOf(parts: TestParts, strangers: StrangerPolicy) {
  const handler = new RecordingHandler();
  const modules = MANIFESTS.map((manifest) => moduleOf(manifest, handler));
  return { ...gateOver(parts, modules, strangers), handler };
}

Deno.test("FrameGate.take() lets a stranger leave a request only where strangers may ask", async () => {
  using parts = await TestParts.create();
  const asking = gateOf(parts, "ask");
  assertEquals(await asking.take("messaging.text"), true);
  assertEquals(asking.handler.seen, ["request"]);
  const denying = gateOf(parts, "deny");
  assertEquals(await denying.take("messaging.text"), false);
  assertEquals(denying.handler.seen, []);
});

Deno.test("FrameGate.take() never hands a stranger's frame to a module that takes no requests", async () => {
  using parts = await TestParts.create();
  const { gate, handler, take } = gateOf(parts, "ask");
  assertEquals(await take("weather.report"), false);
  assertEquals(handler.seen, []);
  assertEquals(gate.has(PEER, { type: "weather.report", id: "i" }), false);
});

Deno.test("FrameGate.take() asks for the permission of the module, not for any", async () => {
  using parts = await TestParts.create();
  await parts.permissions.decide(PEER, { name: "files", allowed: true });
  const { handler, take } = gateOf(parts, "deny");
  assertEquals(await take("file_sharing.chunk"), true);
  assertEquals(await take("messaging.text"), false);
  assertEquals(await take("weather.report"), false);
  assertEquals(handler.seen, ["frame"]);
});

Deno.test("FrameGate.take() asks for the permission of the frame, else the module's first, else its name", async () => {
  using parts = await TestParts.create();
  const handler = new RecordingHandler();
  const frames = [{ type: "rain" }, { type: "storm", permission: "alarm" }];
  const { take } = gateOver(parts, [
    moduleOf({ name: "weather", permissions: ["forecast", "alarm"], frames }, handler),
    moduleOf({ name: "chess", frames: [{ type: "move" }] }, handler),
  ], "deny");
  const needed = { "weather.rain": "forecast", "weather.storm": "alarm", "chess.move": "chess" };
  for (const [allowed, name] of Object.entries(needed)) {
    await parts.permissions.decide(PEER, { name, allowed: true });
    for (const type of Object.keys(needed)) {
      assertEquals([allowed, type, await take(type)], [allowed, type, type === allowed]);
    }
    await parts.permissions.reset(PEER, name);
  }
});

Deno.test("FrameGate.take() drops what no module takes, without asking who sent it", async () => {
  using parts = await TestParts.create();
  const { handler, take } = gateOf(parts, "ask");
  const unknown = ["nobody.knows", "messaging.knows", "messaging"];
  for (const type of unknown) assertEquals(await take(type), false);
  assertEquals([handler.seen, parts.events.counters().frames_dropped], [[], 3]);
});

Deno.test("FrameGate.take() acknowledges again what was stored while it was permitted", async () => {
  using parts = await TestParts.create();
  const { gate, handler, take } = gateOf(parts, "ask");
  handler.stored.add("old");
  await parts.permissions.decide(PEER, { name: "message", allowed: false });
  assertEquals([await take("messaging.text", "old"), await take("messaging.text", "new")], [
    true,
    false,
  ]);
  await parts.permissions.block(PEER);
  assertEquals(await take("messaging.text", "old"), false);
  assertEquals(gate.has(PEER, { type: "messaging.text", id: "old" }), false);
  assertEquals(gate.has(OTHER, { type: "messaging.text", id: "old" }), true);
  assertEquals(handler.seen, []);
});

Deno.test("FrameGate remembers the ids of frames for a module that does not", async () => {
  using parts = await TestParts.create();
  await parts.permissions.accept(PEER);
  let isStored = false;
  const forgetful = { receive: () => Promise.resolve(isStored) };
  const manifest = { ...MANIFESTS[0]!, name: "weather" };
  const { gate, take } = gateOver(parts, [moduleOf(manifest, forgetful)], "deny");
  const has = (peer = PEER) => gate.has(peer, { type: "weather.text", id: "a" });
  assertEquals([await take("weather.text", "a"), has()], [false, false]);
  isStored = true;
  assertEquals([await take("weather.text", "a"), has(), has(OTHER)], [true, true, false]);
  await parts.permissions.decide(PEER, { name: "message", allowed: false });
  assertEquals([await take("weather.text", "a"), await take("weather.text", "b")], [true, false]);
});

Deno.test("FrameGate acknowledges nothing that it could not write down, for a module that leaves that to it", async () => {
  using parts = await TestParts.create();
  await parts.permissions.accept(PEER);
  const forgetful = { receive: () => Promise.resolve(true) };
  const { gate, take } = gateOver(parts, [moduleOf(MANIFESTS[0]!, forgetful)], "deny");
  parts.fillDisk();
  assertEquals(
    (await assertRejects(() => take("messaging.text"), OpenRedError)).code,
    "overloaded",
  );
  assertEquals(gate.has(PEER, { type: "messaging.text", id: "i" }), false);
});

Deno.test("FrameGate.take() acknowledges no frame without an id", async () => {
  using parts = await TestParts.create();
  await parts.permissions.accept(PEER);
  const { gate, handler } = gateOf(parts, "deny");
  const input = { type: "messaging.text" };
  const frame = { type: input.type, id: undefined, input, body: new Uint8Array() };
  assertEquals([await gate.take(PEER, frame), handler.seen], [false, ["frame"]]);
});

Deno.test("refusals are audited once a minute for each peer and permission", async () => {
  using parts = await TestParts.create();
  const { take } = gateOf(parts, "deny");
  for (let count = 0; count < 50; count++) await take("messaging.text", `i${count}`);
  assertEquals(parts.log.audited("permission_denied"), 1);
  await take("file_sharing.chunk");
  assertEquals(parts.log.audited("permission_denied"), 2);
  await parts.clock.advance(MINUTE_MS - 1);
  await take("messaging.text");
  assertEquals(parts.log.audited("permission_denied"), 2);
  await parts.clock.advance(1);
  await take("messaging.text");
  assertEquals(parts.log.audited("permission_denied"), 3);
  const last = parts.log.entries.findLast(({ event }) => event === "permission_denied");
  assertEquals([last?.fields.why, last?.fields.repeated], ["message", 50]);
  assertEquals(parts.events.counters().frames_denied, 53);
});

Deno.test("DenialLog remembers the thousand refusals noted last", async () => {
  using parts = await TestParts.create();
  const { denials, log } = parts;
  for (let count = 0; count <= 1_000; count++) denials.note(PEER, `p${count}`);
  denials.note(PEER, "p1");
  assertEquals(log.audited("permission_denied"), 1_001);
  denials.note(PEER, "p0");
  assertEquals(log.audited("permission_denied"), 1_002);
});

Deno.test("FrameGate.take() counts and audits the request that a module keeps no more", async () => {
  using parts = await TestParts.create();
  const { handler, take } = gateOf(parts, "ask");
  handler.keepsRequests = false;
  assertEquals([await take("messaging.text", "a"), await take("messaging.text", "b")], [
    false,
    false,
  ]);
  assertEquals(parts.events.counters().frames_denied, 2);
  assertEquals(parts.log.audited("permission_denied"), 1);
});

for (const standing of ["allowed", "stranger"]) {
  Deno.test(`FrameGate.take() hands over no frame of an ${standing} peer that must be understood and is not`, async () => {
    using parts = await TestParts.create();
    if (standing === "allowed") await parts.permissions.accept(PEER);
    const { gate, handler } = gateOf(parts, "ask");
    const take = (must: unknown) => {
      const input = { type: "messaging.text", id: "i", must };
      return gate.take(PEER, { type: input.type, id: input.id, input, body: new Uint8Array() });
    };
    const codeOf = async (must: unknown) =>
      (await assertRejects(() => take(must), OpenRedError)).code;
    assertEquals(await codeOf(["umbrella", "coat"]), "unsupported");
    assertEquals(await codeOf("umbrella"), "bad_request");
    assertEquals(handler.seen, []);
    assertEquals(await take(["umbrella", "type", "id", "must"]), true);
    assertEquals(handler.seen.length, 1);
  });
}

Deno.test("FrameGate.take() tells a peer that may not the same, whatever must be understood", async () => {
  using parts = await TestParts.create();
  const { gate } = gateOf(parts, "deny");
  const input = { type: "weather.report", id: "i", must: ["umbrella"] };
  const frame = { type: input.type, id: input.id, input, body: new Uint8Array() };
  assertEquals(await gate.take(PEER, frame), false);
  assertEquals(parts.events.counters().frames_denied, 1);
  await parts.permissions.block(PEER);
  assertEquals(await gate.take(PEER, frame), false);
});

Deno.test("FrameGate.take() hands on a handler's refusal as the node's, and a fault as it is", async () => {
  using parts = await TestParts.create();
  await parts.permissions.accept(PEER);
  let thrown: unknown = { code: "too_large", message: "No room" };
  const failing = { receive: () => Promise.reject(thrown) };
  const { take } = gateOver(parts, [moduleOf(MANIFESTS[0]!, failing)], "deny");
  const refusal = await assertRejects(() => take("messaging.text"), OpenRedError);
  assertEquals([refusal.code, refusal.message], ["too_large", "No room"]);
  for (thrown of [new RangeError("broken"), { code: "internal", message: "" }, { code: "nope" }]) {
    assertEquals(await take("messaging.text").catch((error) => error), thrown);
  }
});

Deno.test("PermissionNames has the words of every node, and what each module declared last", () => {
  const names = new PermissionNames();
  assertEquals(names.all(), ["auth", "files", "message"]);
  names.declare("weather", ["forecast", "files"]);
  names.declare("chess", ["chess"]);
  assertEquals(names.all(), ["auth", "chess", "files", "forecast", "message"]);
  names.declare("weather", []);
  assertEquals(names.all(), ["auth", "chess", "files", "message"]);
});

Deno.test("a node asks for the permission that a module declares, and refuses reserved names", async () => {
  const handler = new RecordingHandler();
  const frames = [{ type: "report", strangers: true }];
  const weather = moduleOf({ name: "weather", permissions: ["forecast"], frames }, handler);
  await using world = await FriendWorld.start([builtInOf(weather)]);
  const send = async (id: string) => {
    assertEquals((await world.sendFrame({ type: "weather.report", id })).status, 200);
    await settle();
    return handler.seen.splice(0);
  };
  await world.decide("allow", { permission: "weather", force: true });
  assertEquals(await send("a"), ["request"]);
  assertEquals((await world.decide("allow", { permission: "forecast" })).permissions, [
    "forecast",
    "weather",
  ]);
  assertEquals(await send("b"), ["frame"]);
  const core = builtInOf(moduleOf({ name: "core" }, handler));
  const twin = builtInOf(moduleOf({ name: "weather" }, handler));
  for (const modules of [[core], [twin, twin]]) {
    await assertRejects(() => FriendWorld.start(modules), RangeError);
  }
});

Deno.test("FrameGate.refuses() what no module takes or the peer may not send, and tells a blocked one nothing", async () => {
  using parts = await TestParts.create();
  const { gate } = gateOf(parts, "ask");
  const refused = () =>
    ["weather.report", "weather.unheard_of", "nobody.knows"].map((type) =>
      gate.refuses(PEER, { type, input: {} })
    );
  assertEquals(refused(), [true, true, true]);
  await parts.permissions.decide(PEER, { name: "weather", allowed: true });
  assertEquals(refused(), [false, true, true]);
  await parts.permissions.decide(PEER, { name: "weather", allowed: false });
  assertEquals(refused(), [true, true, true]);
  await parts.permissions.block(PEER);
  assertEquals(refused(), [false, false, false]);
});

Deno.test("FrameGate takes of whoever a handler admits what nothing else permits, unless the peer is blocked", async () => {
  using parts = await TestParts.create();
  const handler = {
    receive: () => Promise.resolve(true),
    has: () => false,
    admits: (peer: string, header: { readonly club?: unknown }) =>
      peer === PEER && header.club === "chess",
  };
  const { gate } = gateOver(parts, [moduleOf(MANIFESTS[0]!, handler)], "deny");
  const frame = (club: string) => ({
    type: "messaging.text",
    id: "a",
    input: { type: "messaging.text", id: "a", club },
    body: new Uint8Array(),
  });
  const ends = async () => [
    await gate.take(PEER, frame("chess")),
    await gate.take(PEER, frame("whist")),
    await gate.take(OTHER, frame("chess")),
    gate.refuses(PEER, frame("chess")),
    gate.refuses(PEER, frame("whist")),
  ];
  assertEquals(await ends(), [true, false, false, false, true]);
  await parts.permissions.decide(PEER, { name: "message", allowed: false });
  assertEquals(await ends(), [true, false, false, false, true]);
  await parts.permissions.block(PEER);
  assertEquals(await ends(), [false, false, false, false, false]);
});
