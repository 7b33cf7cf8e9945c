import { assertEquals, assertThrows } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import type { OutgoingFrame } from "../../../modules/api.ts";
import { ModuleSends } from "../../../peer/modules/module_sends.ts";
import type { ModuleKind } from "../../../peer/modules/running_module.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from "../../../protocol/limits.ts";
import { SessionWorld } from "../sessions/session_world.ts";
import { RecordingSender } from "../../world/recording_sender.ts";

const [PEER, OTHER] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill))) as [
  NodeId,
  NodeId,
];

function setUp(kind: ModuleKind = "built-in") {
  const sender = new RecordingSender();
  const types = new Set(["text", "typing"]);
  const sends = new ModuleSends(sender, { name: "notes", kind, types });
  const send = (changes: Partial<OutgoingFrame> = {}) =>
    sends.send({ peer: PEER, type: "text", id: "a", ...changes });
  const codeOf = (changes: Partial<OutgoingFrame>) =>
    assertThrows(() => send(changes), OpenRedError).code;
  return { sender, sends, send, codeOf };
}

Deno.test("ModuleSends sends a frame under the module's name, and says when it was stored", async () => {
  const { sender, sends, send } = setUp();
  const body = new Uint8Array([1, 2]);
  const { acknowledged } = send({ header: { sent_at: 5 }, body });
  const [sent] = sender.sent;
  assertEquals([sent?.peer, sent?.id, sent?.header, sent?.body], [
    PEER,
    "a",
    { sent_at: 5, type: "notes.text" },
    body,
  ]);
  assertEquals([sends.waiting(PEER), sends.waiting(OTHER), sender.wanted], [1, 0, [PEER]]);
  sender.acknowledge("a", 12);
  assertEquals([await acknowledged, sends.waiting(PEER)], [12, 0]);
  sender.connected.add(PEER);
  send();
  assertEquals([sender.sent.length, sender.wanted], [2, [PEER]], "there is a session");
});

Deno.test("ModuleSends sends a frame without an id once, and waits for nothing", async () => {
  const { sender, sends } = setUp();
  const body = new Uint8Array([1]);
  const { acknowledged, cancel } = sends.send({ peer: PEER, type: "typing", body });
  assertEquals(await acknowledged, null);
  cancel();
  assertEquals(sender.once, [{ peer: PEER, header: { type: "notes.typing" }, body }]);
  assertEquals([sender.sent, sender.wanted, sends.waiting(PEER)], [[], [], 0]);
});

Deno.test("ModuleSends puts the name before the ids of a module from a file: they are its own", async () => {
  const { sender, send, codeOf } = setUp("file");
  const id = "x".repeat(30);
  const { acknowledged } = send({ id });
  assertEquals(sender.takeIds(), [`notes-${id}`]);
  sender.acknowledge(`notes-${id}`, 3);
  assertEquals(await acknowledged, 3);
  assertEquals(codeOf({ id: "x".repeat(31) }), "bad_request");
});

Deno.test("ModuleSends refuses a type that is not declared, an id of another form, and one under way", () => {
  const { sender, send, codeOf } = setUp();
  for (const type of ["other", "", "notes.text", "core.close", "Text"]) {
    assertEquals([type, codeOf({ type })], [type, "bad_request"]);
  }
  for (const id of ["", "a b", "é", "a.b", "x".repeat(65), "a\n"]) {
    assertEquals([id, codeOf({ id })], [id, "bad_request"]);
  }
  send({ id: "x".repeat(64) });
  assertEquals(codeOf({ id: "x".repeat(64) }), "bad_request");
  assertEquals(codeOf({ id: "x".repeat(64), peer: OTHER }), "bad_request");
  sender.acknowledge("x".repeat(64));
  send({ id: "x".repeat(64) });
  assertEquals(sender.sent.length, 2);
});

Deno.test("ModuleSends refuses header members that the node writes, whatever their value", () => {
  const { sender, codeOf } = setUp();
  for (const name of ["type", "id", "ask", "answer", "error"]) {
    for (const value of ["x", undefined, null]) {
      assertEquals([name, codeOf({ header: { [name]: value } })], [name, "bad_request"]);
    }
  }
  assertEquals(sender.sent, []);
});

Deno.test("ModuleSends refuses a frame that the core could not seal, and no shorter one", async () => {
  const { sender, send, codeOf } = setUp();
  const fill = (length: number) => ({ header: { a: "x".repeat(length) }, id: "y".repeat(64) });
  const longest = (fits: (length: number) => boolean, most: number) => {
    let [low, high] = [0, most];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const fits = (frame: Partial<OutgoingFrame>) => {
    try {
      send(frame).cancel();
      return true;
    } catch {
      return false;
    }
  };
  const header = longest((length) => fits(fill(length)), 2 * MAX_FRAME_HEADER_BYTES);
  assertEquals(codeOf(fill(header + 1)), "too_large");
  const bodyOf = (length: number) => ({ ...fill(header), body: new Uint8Array(length) });
  const body = longest((length) => fits(bodyOf(length)), 2 * MAX_FRAME_BYTES);
  assertEquals(codeOf(bodyOf(body + 1)), "too_large");
  assertEquals(sender.waiting(PEER), 0);
  // What just fits can be sealed: the limits are on the safe side, and not far from it.
  using world = await SessionWorld.create();
  const { own } = await world.session();
  const frame = await own.seal({ type: "notes.text", ...fill(header).header, id: "y".repeat(64) });
  assertEquals(header > MAX_FRAME_HEADER_BYTES / 2 && frame.length > header, true);
  const { header: members } = fill(header);
  const sealed = await own.seal(
    { type: "notes.text", ...members, id: "y".repeat(64) },
    new Uint8Array(body),
  );
  assertEquals(sealed.length <= MAX_FRAME_BYTES && body > MAX_FRAME_BYTES - 8_192, true);
});

Deno.test("ModuleSends has 256 frames of a module from a file under way, and more of a built-in one", () => {
  const many = (kind: ModuleKind, count: number) => {
    const set = setUp(kind);
    for (let at = 0; at < count; at++) {
      set.send({ id: `i${at}`, peer: at % 2 === 0 ? PEER : OTHER });
    }
    return set;
  };
  const { sender, sends, send, codeOf } = many("file", 256);
  assertEquals(codeOf({ id: "more" }), "overloaded");
  sends.send({ peer: PEER, type: "typing" });
  assertEquals(sender.once.length, 1);
  sender.acknowledge("notes-i0");
  send({ id: "more" });
  assertEquals(codeOf({ id: "most" }), "overloaded");
  assertEquals(many("built-in", 1_000).sender.sent.length, 1_000);
});

Deno.test("ModuleSends resolves with null what is cancelled: one, all of a peer, or all at the stop", async () => {
  const { sender, sends, send, codeOf } = setUp();
  const one = send({ id: "one" });
  const others = [send({ id: "two" }), send({ id: "three" })];
  const kept = send({ id: "kept", peer: OTHER });
  one.cancel();
  one.cancel();
  assertEquals([await one.acknowledged, sends.waiting(PEER)], [null, 2]);
  sends.cancel(PEER);
  for (const { acknowledged } of others) assertEquals(await acknowledged, null);
  assertEquals([sends.waiting(PEER), sends.waiting(OTHER)], [0, 1]);
  sends.stop();
  assertEquals([await kept.acknowledged, sender.waiting(OTHER)], [null, 0]);
  assertEquals(codeOf({ id: "late" }), "overloaded");
  assertThrows(() => sends.send({ peer: PEER, type: "typing" }), OpenRedError);
  assertEquals([sender.sent.length, sender.once.length], [4, 0]);
});
