import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ModuleEndCode } from "../../../../ports/module_workers.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { settle } from "../../../world/settle.ts";
import { fileOf, FileWorld } from "./file_world.ts";

const SMALL = fileOf({ name: "small" });
const MINUTE_MS = 60_000;

async function endLast(test: FileWorld, why: ModuleEndCode = "failed"): Promise<void> {
  test.threads.started.at(-1)!.end(why, "its own words");
  await settle();
}

/** How many threads there are after each of some spans of time. */
async function countAfter(test: FileWorld, spansMs: readonly number[]): Promise<number[]> {
  const counts: number[] = [];
  for (const spanMs of spansMs) {
    await test.pass(spanMs);
    counts.push(test.threads.started.length);
  }
  return counts;
}

Deno.test("a module that fails is named and audited, and starts again after 1, 2, 4 and 8 s", async () => {
  using test = await FileWorld.create();
  await test.load(SMALL);
  for (const [index, pauseMs] of [1_000, 2_000, 4_000, 8_000].entries()) {
    await endLast(test);
    assertEquals(test.view("small"), "1.0.0 failed (failed: its own words)");
    assertEquals(await countAfter(test, [pauseMs - 1, 1]), [index + 1, index + 2]);
    assertEquals(test.view("small"), "1.0.0 running");
  }
  assertEquals(test.host.info("small").restarts, 4);
  assertEquals(test.world.parts.log.audited("module_failed"), 4);
});

Deno.test("the fifth failure within ten minutes leaves a module stopped until its owner looks after it", async () => {
  using test = await FileWorld.create();
  await test.load(SMALL);
  for (let failure = 1; failure <= 5; failure++) {
    await endLast(test, "unresponsive");
    await test.pass(10_000);
  }
  assertStringIncludes(test.view("small"), "failed five times");
  assertEquals(await countAfter(test, [60 * MINUTE_MS]), [5]);
  assertStringIncludes(test.world.parts.events.warnings().join(), "small failed (unresponsive)");
  await test.host.enable("small");
  assertEquals(test.view("small"), "1.0.0 running");
  assertEquals(test.world.parts.events.warnings(), []);
  await endLast(test);
  assertEquals(await countAfter(test, [1_000]), [7], "it is counted anew");
});

Deno.test("failures that lie ten minutes apart never leave a module stopped", async () => {
  using test = await FileWorld.create();
  await test.load(SMALL);
  for (let failure = 1; failure <= 6; failure++) {
    await endLast(test);
    await test.pass(10 * MINUTE_MS);
    assertEquals(test.view("small"), "1.0.0 running");
  }
});

Deno.test("a module that the owner stopped, or started, meanwhile is not started by its pause", async () => {
  using test = await FileWorld.create();
  await test.load(SMALL);
  await endLast(test);
  await test.host.disable("small");
  assertEquals(await countAfter(test, [MINUTE_MS]), [1]);
  await test.host.enable("small");
  await endLast(test);
  await test.host.reload("small");
  assertEquals(await countAfter(test, [MINUTE_MS]), [3]);
  await endLast(test);
  await test.host.unload("small", { forget: false });
  assertEquals([await countAfter(test, [MINUTE_MS]), test.view("small")], [[3], "gone"]);
});

Deno.test("modules that ended because another one filled the memory return one by one, and are not to blame", async () => {
  using test = await FileWorld.create();
  for (const name of ["one_module", "two_module", "who_fills"]) await test.load(fileOf({ name }));
  for (let round = 0; round < 5; round++) {
    test.threads.last("one_module").end("memory_shared");
    test.threads.last("two_module").end("memory_shared");
    test.threads.last("who_fills").end("memory_full");
    await settle();
    const running = async (spanMs: number) => {
      await test.pass(spanMs);
      return ["one_module", "two_module"].filter((name) => test.view(name).includes("running"));
    };
    assertEquals(await running(1_999), []);
    assertEquals(await running(1), ["one_module"]);
    assertEquals(await running(2_000), ["one_module", "two_module"]);
    await test.pass(10_000);
  }
  assertStringIncludes(test.view("who_fills"), "memory_full");
  assertStringIncludes(test.view("who_fills"), "five times");
});

Deno.test("a module that does not start says why at load, and leaves nothing there", async () => {
  using test = await FileWorld.create();
  const texts = {
    "throws at load": `throw new Error("here"); export default {}`,
    "no module": "export default 5",
    "throws in start": fileOf({ name: "small" }, `async start() { throw new Error("there"); },`),
    "registers too little": fileOf({ name: "small", frames: [{ type: "x" }] }),
    "manifest of another form": `export default { manifest: { name: "small", api: 2 } }`,
  };
  for (const text of Object.values(texts)) {
    await assertRejects(() => test.load(text));
    assertEquals([test.view("small"), test.hosted.states.code("small")], ["gone", null]);
  }
  const ends = await Promise.all(test.threads.started.map(({ ended }) => ended));
  assertEquals(ends.length, 5, "no thread is left");
  await test.load(SMALL);
  assertEquals(test.view("small"), "1.0.0 running");
});

Deno.test("a module that never answers is ended after its time, and whoever asked hears of it", async () => {
  using test = await FileWorld.create();
  const members = `registerRoutes(router) {
    router.route("GET", "/", () => new Promise(() => {}));
  },`;
  await test.load(fileOf({ name: "mute" }, members));
  const asked = assertRejects(() => test.hosted.request("GET", "/m/mute/"), OpenRedError);
  await test.pass(29_999);
  assertEquals(test.view("mute"), "1.0.0 running");
  await test.pass(1);
  assertEquals((await asked).code, "overloaded");
  assertStringIncludes(test.view("mute"), "no_answer");
  await test.pass(1_000);
  assertEquals(test.view("mute"), "1.0.0 running");
});
