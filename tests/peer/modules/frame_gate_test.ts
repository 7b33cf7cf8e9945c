import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { FrameGate } from "../../../peer/modules/frame_gate.ts";
import type { StrangerPolicy } from "../../../protocol/node_settings.ts";
import { ModulePermissions } from "../../../peer/peers/module_permissions.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MINUTE_MS, TestParts } from "../parts.ts";
import { FriendWorld } from "../peers/friend_world.ts";
import { RecordingHandler } from "./recording_handler.ts";
import { settle } from "../../world/settle.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));
const OTHER = encodeNodeId(new Uint8Array(32).fill(2));

function gateOf(
  parts: TestParts,
  strangers: StrangerPolicy,
  modulePermissions = new ModulePermissions(),
) {
  const handler = new RecordingHandler();
  const handlers = new Map(["messaging", "file_sharing", "weather"].map((name) => [name, handler]));
  const { events, permissions, denials } = parts;
  const gate = new FrameGate({ events, permissions, modulePermissions, denials }, {
    handlers,
    strangers,
  });
  const take = (type: string, id = "i") =>
    gate.take(PEER, { type, id, input: { type, id }, body: new Uint8Array() });
  return { gate, handler, take };
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
  Object.defineProperty(handler, "receiveRequest", { value: undefined });
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

Deno.test("FrameGate.take() drops what no module takes, without asking who sent it", async () => {
  using parts = await TestParts.create();
  const { handler, take } = gateOf(parts, "ask");
  assertEquals(await take("nobody.knows"), false);
  assertEquals([handler.seen, parts.events.counters().frames_dropped], [[], 1]);
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
  handler.receiveRequest = () => Promise.resolve(false);
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
    Object.defineProperty(handler, "members", { value: ["umbrella"] });
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
  const input = { type: "weather.rain", id: "i", must: ["umbrella"] };
  const frame = { type: input.type, id: input.id, input, body: new Uint8Array() };
  assertEquals(await gate.take(PEER, frame), false);
  assertEquals(parts.events.counters().frames_denied, 1);
  await parts.permissions.block(PEER);
  assertEquals(await gate.take(PEER, frame), false);
});

Deno.test("ModulePermissions has what each module declares, or a permission of its own name", () => {
  const table = new ModulePermissions(
    new Map([
      ["weather", { permission: "forecast" }],
      ["chess", {}],
      ["file_sharing", { permission: "files" }],
    ]),
  );
  assertEquals([table.of("weather"), table.of("chess"), table.of("unheard_of")], [
    "forecast",
    "chess",
    "unheard_of",
  ]);
  assertEquals(table.all(), ["auth", "chess", "files", "forecast", "message"]);
  const refused: [string, string][] = [
    ["file_sharing", "message"],
    ["Weather", "files"],
    ["weather", "For ecast"],
    ["core", "core"],
    ["messaging", "message"],
  ];
  for (const [module, permission] of refused) {
    assertThrows(() => new ModulePermissions(new Map([[module, { permission }]])), RangeError);
  }
});

Deno.test("a node asks for the permission that a module declares, and refuses reserved names", async () => {
  const handler = new RecordingHandler();
  Object.defineProperty(handler, "permission", { value: "forecast" });
  await using world = await FriendWorld.start(new Map([["weather", handler]]));
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
  for (const name of ["core", "messaging"]) {
    await assertRejects(() => FriendWorld.start(new Map([[name, handler]])), RangeError);
  }
});
