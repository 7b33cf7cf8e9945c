import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { pack } from "../../../../peer/modules/sandbox/packing.ts";
import { ContextWorld } from "../../../world/module_context.ts";
import { settle } from "../../../world/settle.ts";
import { SandboxWorld } from "./sandbox_world.ts";

const MIB = 2 ** 20;
const TIMEOUT = { timeoutMs: 1_000 };

Deno.test("a call that is longer than a message is refused at once, and does not end the module", async () => {
  using world = await ContextWorld.create();
  const test = await SandboxWorld.greeted(world);
  const parts = [new Uint8Array(MIB)];
  const call = () => test.sandbox.call("frame", {}, { ...TIMEOUT, parts });
  assertEquals((await assertRejects(call, OpenRedError)).code, "too_large");
  await test.clock.advance(10_000);
  assertEquals(test.why, null, "nobody waits for an answer to it");
});

Deno.test("an answer that is longer than a message is a refusal", async () => {
  using world = await ContextWorld.create();
  const test = await SandboxWorld.greeted(world);
  const ask = async (number: number, op: string, value: unknown, ...parts: Uint8Array[]) => {
    test.say(pack({ kind: "ask", number, op, value }, parts));
    await settle();
    return test.heard.at(-1)!;
  };
  const put = (key: string, bytes: number) =>
    ask(0, "storage.batch", [{ key, keep: true }], new Uint8Array(bytes));
  for (const key of ["a", "b", "c"]) {
    assertEquals((await put(key, 600 * 1_024)).message.isOk, true);
  }
  const first = await ask(1, "storage.range", { limit: 10 });
  assertEquals([first.message.value, first.parts.length], [["a"], 1], "as many as it holds");
  await put("d", MIB - 512);
  await ask(2, "files.write", "d", new Uint8Array(MIB - 512));
  assertEquals((await ask(3, "storage.range", { after: "c", limit: 1 })).parts.length, 1);
  assertEquals(test.why, null);
});

Deno.test("a module that says too much in a second is ended for it: messages, texts, bytes", async () => {
  using world = await ContextWorld.create();
  const floods = {
    messages: [5_001, pack({ kind: "tell", op: "count", value: { name: "a", by: 1 } })],
    texts: [
      5,
      pack({
        kind: "tell",
        op: "emit",
        value: { type: "told", data: { text: "x".repeat(MIB - 200) } },
      }),
    ],
    bytes: [
      33,
      pack({ kind: "ask", number: 1, op: "files.write", value: "a" }, [
        new Uint8Array(MIB - 200),
      ]),
    ],
  } as const;
  for (const [what, [count, message]] of Object.entries(floods)) {
    const test = await SandboxWorld.greeted(world);
    for (let one = 0; one < count; one++) {
      // Each is answered before the next one, so that it is not their number under way.
      test.say(message);
      if (what === "bytes") await settle();
    }
    await settle();
    assertEquals(test.why, "flood", what);
  }
});

Deno.test("what may be said in a second may be said in the next one again", async () => {
  using world = await ContextWorld.create();
  const test = await SandboxWorld.greeted(world);
  for (let second = 0; second < 3; second++) {
    test.clock.skip(1_000);
    for (let one = 0; one < 5_000; one++) {
      test.say(pack({ kind: "tell", op: "count", value: { name: "a", by: 1 } }));
    }
  }
  await settle();
  assertEquals(test.why, null);
});

Deno.test("a module of a file has a share of counters, warnings and lines", async () => {
  using world = await ContextWorld.create();
  const tell = (test: SandboxWorld, op: string, value: unknown) => {
    test.say(pack({ kind: "tell", op, value }));
    return settle();
  };
  const counting = await SandboxWorld.greeted(world);
  for (let one = 0; one < 64; one++) await tell(counting, "count", { name: `c${one}`, by: 1 });
  assertEquals(counting.why, null);
  await tell(counting, "count", { name: "one_more", by: 1 });
  assertEquals(counting.why, "bad_message");
  const warning = await SandboxWorld.greeted(world);
  for (let one = 0; one < 16; one++) await tell(warning, "warn", { topic: `${one}`, text: "x" });
  assertEquals(warning.why, null);
  await tell(warning, "warn", { topic: "one more", text: "x" });
  assertEquals([warning.why, world.parts.events.warnings().length], ["bad_message", 16]);
  const logging = await SandboxWorld.greeted(world);
  const entry = { level: "info", event: "told", fields: {} };
  for (let one = 0; one < 2_000; one++) {
    logging.say(pack({ kind: "tell", op: "log", value: entry }));
  }
  await settle();
  const lines =
    world.parts.log.entries.filter(({ event }) => event === "module_says_tried_told").length;
  assertEquals([logging.why, lines], [null, 600]);
});
