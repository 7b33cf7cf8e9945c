import { assert, assertEquals } from "@std/assert";
import { encodeNodeId } from "../../../../crypto/encoding.ts";
import { pack } from "../../../../peer/modules/sandbox/packing.ts";
import { CONTEXT_CALLS, CONTEXT_TELLS } from "../../../../peer/modules/sandbox/context_calls.ts";
import { ContextWorld } from "../../../world/module_context.ts";
import { nextTurn, settle } from "../../../world/settle.ts";
import { SeededRandom } from "../../../world/seeded_random.ts";
import { HELLO, rawMessage, SandboxWorld } from "./sandbox_world.ts";

const MESSAGES = 20_000;
const ENDS = new Set(["bad_message", "flood"]);
const OPS = [
  ...CONTEXT_CALLS.keys(),
  ...CONTEXT_TELLS.keys(),
  "cancel",
  "constructor",
  "__proto__",
];
const PEER_ID = encodeNodeId(new Uint8Array(32).fill(1));

/** Draws everything of one seed. */
class Draw {
  constructor(readonly random: SeededRandom) {}

  below(limit: number): number {
    const [a, b, c] = this.random.bytes(3);
    return (a! * 65_536 + b! * 256 + c!) % limit;
  }

  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  value(depth = 0): unknown {
    const kind = this.below(depth > 3 ? 7 : 10);
    if (kind === 7) return Array.from({ length: this.below(4) }, () => this.value(depth + 1));
    if (kind > 7) return this.object(depth);
    return this.one<unknown>([
      null,
      true,
      this.one([0, -1, 1.5, 1e308, -0, 2 ** 53, 300]),
      this.one(["", "a", "\u0000", "\ud800", "é".repeat(600), "../x", "a".repeat(5_000)]),
      PEER_ID,
      "x",
      this.below(100),
    ]);
  }

  object(depth: number): Record<string, unknown> {
    const names = ["key", "keep", "limit", "prefix", "after", "peer", "type", "id", "header"];
    const more = ["url", "name", "path", "level", "event", "fields", "__proto__", "text", "waitMs"];
    const entries = Array.from({ length: this.below(5) }, () => [
      this.one([...names, ...more]),
      this.value(depth + 1),
    ]);
    return Object.fromEntries(entries);
  }

  /** The value of a call that could well be right. */
  fitting(): unknown {
    return this.one<unknown>([
      null,
      "key",
      PEER_ID,
      8,
      { limit: 5 },
      [{ key: "a", keep: true }],
      { peer: PEER_ID, type: "x", id: "a" },
      { peer: PEER_ID, type: "x", header: { deep: nested(2_000) } },
      { level: "info", event: "told", fields: {} },
      { type: "told", data: { deep: nested(2_000) } },
      { name: "counted", by: 1 },
      { topic: "topic", text: "text" },
      { url: "https://a.example/" },
      { name: "folder", path: "" },
    ]);
  }

  message(number: number): Uint8Array {
    const parts = Array.from({ length: this.below(4) }, () => this.random.bytes(this.below(64)));
    const op = this.one(OPS);
    const value = this.below(2) === 0 ? this.fitting() : this.value();
    switch (this.below(24)) {
      case 0:
        return this.random.bytes(this.below(200));
      case 1:
        return rawMessage("[".repeat(this.below(100_000)), ...parts);
      case 2:
        return rawMessage(
          JSON.stringify({ kind: "ask", number, op, value, parts: [this.below(99)] }),
        );
      case 3:
        return rawMessage(JSON.stringify(this.value()), ...parts);
      case 4:
        return pack({ kind: this.one(["ask", "tell", "done", "hello", "x"]), ...this.object(0) });
      case 5:
        return pack(
          { kind: "done", number: this.below(9), isOk: this.below(2) === 0, value },
          parts,
        );
      case 6:
      case 7:
        return pack({ kind: "tell", op, value }, parts);
      default:
        return pack({ kind: "ask", number, op, value }, parts);
    }
  }
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

Deno.test("20,000 random messages of a module bring answers, or its end with a name, and nothing else", async () => {
  using world = await ContextWorld.create();
  const seed = "messages of a module";
  const draw = new Draw(new SeededRandom(seed));
  const ends = new Map<string, number>();
  let answers = 0;
  let test = await SandboxWorld.greeted(world);
  for (let sent = 0; sent < MESSAGES; sent++) {
    test.say(draw.message(sent));
    // A second goes by, so that it is what they say that ends it.
    if (sent % 500 === 0) test.clock.skip(1_000);
    if (sent % 8 === 0) await nextTurn();
    if (test.why === null && sent < MESSAGES - 1) continue;
    await settle();
    answers += test.heard.filter(({ message }) => message.kind === "answer").length;
    if (test.why !== null) {
      assert(ENDS.has(test.why), `${seed}, message ${sent}: ${test.why}`);
      ends.set(test.why, (ends.get(test.why) ?? 0) + 1);
    }
    await test.sandbox.end("stopped");
    test = await SandboxWorld.greeted(world);
  }
  await test.sandbox.end("stopped");
  assert(answers > 1_000, `${answers} answers`);
  assert(ends.get("bad_message")! > 100, JSON.stringify([...ends]));
});

Deno.test("the first message of a module is what it is, in the one form that there is", async () => {
  const draw = new Draw(new SeededRandom("first messages"));
  for (let one = 0; one < 2_000; one++) {
    const test = new SandboxWorld();
    const greeting = test.sandbox.hello.then(() => "taken", () => "refused");
    const isWhole = one % 50 === 0;
    const changed = { ...HELLO, ...draw.object(0), [draw.one(Object.keys(HELLO))]: draw.value() };
    test.say(isWhole ? pack(HELLO) : draw.one([pack(changed), draw.message(one)]));
    await nextTurn();
    if (test.why === null) await test.sandbox.end("stopped");
    else assertEquals([await greeting, test.why], ["refused", "bad_message"]);
    if (isWhole) assertEquals(await greeting, "taken");
  }
});
