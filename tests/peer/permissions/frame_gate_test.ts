import { assertEquals, assertThrows } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { FrameGate, type StrangerPolicy } from "../../../peer/permissions/frame_gate.ts";
import { ModulePermissions } from "../../../peer/permissions/module_permissions.ts";
import { MINUTE_MS, TestParts } from "../parts.ts";
import { RecordingHandler } from "./recording_handler.ts";

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
  await parts.clock.advance(MINUTE_MS);
  await take("messaging.text");
  assertEquals(parts.log.audited("permission_denied"), 3);
  const last = parts.log.entries.findLast(({ event }) => event === "permission_denied");
  assertEquals(last?.fields.why, "message, 49 times more");
  assertEquals(parts.events.counters().frames_denied, 52);
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

Deno.test("ModulePermissions.all() has the own permission of a module at hand", () => {
  assertEquals(new ModulePermissions(["weather", "messaging"]).all(), [
    "auth",
    "files",
    "message",
    "weather",
  ]);
});

Deno.test("ModulePermissions.declare() takes new modules and changes none", () => {
  const table = new ModulePermissions();
  table.declare("weather", "forecast");
  table.declare("messaging", "message");
  assertEquals([table.of("weather"), table.of("unheard_of")], ["forecast", "unheard_of"]);
  assertThrows(() => table.declare("messaging", "files"), RangeError);
  assertThrows(() => table.declare("weather", "files"), RangeError);
  assertThrows(() => table.declare("Weather", "files"), RangeError);
  assertEquals(table.all(), ["auth", "files", "forecast", "message"]);
});
