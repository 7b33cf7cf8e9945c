import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileOf } from "../../peer/modules/files/file_world.ts";
import { createModuleWorkers } from "../../../ports/system_module_workers.ts";
import { until } from "../../world/until.ts";
import { medianOf, TwoNodes } from "./two_nodes.ts";

/** What goes wrong once a route is asked, and why the module is ended then. */
const LATER: Readonly<Record<string, { readonly code: string; readonly why: RegExp }>> = {
  throws: { code: `setTimeout(() => { throw new Error("later"); }, 0);`, why: /^failed: .*later/ },
  rejects: { code: `Promise.reject(new Error("later"));`, why: /^failed: .*later/ },
  loops: { code: "while (true);", why: /^unresponsive/ },
  // Near its limit a heap is searched for room so long that its time may be over first.
  heap: {
    code: "const kept = []; while (true) kept.push({ kept });",
    why: /^(heap_full|unresponsive)/,
  },
  floods_frames: {
    code: `const flood = () => {
      for (let n = 0; n < 500; n++) context.send({ peer: context.own.id, type: "x" });
      setTimeout(flood, 0);
    };
    flood();`,
    why: /^flood/,
  },
  floods_asks: {
    code:
      `for (let n = 0; n < 5_000; n++) context.storage.put("key", new Uint8Array(10)).catch(() => {});`,
    why: /^flood/,
  },
  floods_texts: {
    code: `const flood = () => {
      context.events.emit("flood", { text: "x".repeat(500_000) });
      setTimeout(flood, 0);
    };
    flood();`,
    why: /^flood/,
  },
  floods_logs: {
    code: `const flood = () => {
      for (let n = 0; n < 400; n++) context.log.log("info", "flood", { text: "x".repeat(900) });
      setTimeout(flood, 0);
    };
    flood();`,
    why: /^flood/,
  },
  posts_strange_things: {
    code: `context.events.emit("Not a name", {});`,
    why: /^bad_message/,
  },
  posts_too_much: {
    code: `context.storage.put("key", new Uint8Array(2 ** 21)).catch(() => {});`,
    why: /^message_too_long/,
  },
};

function badModule(name: string, code: string): string {
  return fileOf(
    { name, frames: [{ type: "x", members: [] }] },
    `registerPeerHandlers(peers) { peers.frame("x", { receive: async () => true }); },
    registerRoutes(router) {
      router.route("POST", "/", async () => { ${code} return { json: "done" }; });
    },`,
  );
}

Deno.test("a node goes on exchanging messages while one bad module after the other is ended, named and audited", async (t) => {
  await using test = await TwoNodes.start();
  await test.load(fileOf({ name: "good" }));
  const normal: number[] = [];
  const during: number[] = [];
  for (const [name, { code, why }] of Object.entries(LATER)) {
    await t.step(name, async () => {
      await test.load(badModule(name, code));
      // Each time anew, as the machine has other work too.
      for (let one = 0; one < 5; one++) normal.push(await test.exchange());
      const asked = test.alice.admin.request("POST", `/m/${name}/`).then((r) => r.body?.cancel());
      const ended = test.whyEnded(name);
      // Ten times as often as people write: a test is not to take minutes.
      during.push(...await test.exchangeUntil(ended, 100));
      await asked;
      assert(why.test(await ended), await ended);
      assertStringIncludes((await test.alice.status()).warnings.join(), `module ${name} failed`);
      assertEquals((await test.view("good")).state, "running");
      await test.unload(name);
    });
  }
  await t.step("throws at load, and in start", async () => {
    for (const text of [`throw new Error("x")`, fileOf({ name: "bad" }, `start() { throw 1; },`)]) {
      const loading = assertRejects(() => test.load(text));
      during.push(...await test.exchangeUntil(loading, 100));
      await loading;
    }
  });
  await t.step("round trips", () => {
    const [before, then] = [medianOf(normal), medianOf(during)];
    // Beside a thread that computes, on a machine with other work, some milliseconds more are no sign of anything.
    assert(then <= 2 * before + 10, `${before} ms became ${then} ms`);
  });
  assertEquals(test.alice.log.audited("module_failed"), Object.keys(LATER).length);
  const texts = (await test.bob.admin.inbox()).map(({ text }) => text);
  assertEquals(texts, Array.from({ length: test.sent }, (_, n) => `message ${n + 1}`));
});

Deno.test("a module that fills the memory ends all, the others return by themselves, and messages go on", async () => {
  // Beyond what the test itself may come to hold meanwhile.
  const processBytes = Deno.memoryUsage().rss + 400 * 2 ** 20;
  await using test = await TwoNodes.start({ moduleWorkers: createModuleWorkers({ processBytes }) });
  await test.load(fileOf({ name: "good" }));
  const fill = `
    const kept = [];
    const grow = () => { kept.push(new Uint8Array(2 ** 24).fill(1)); setTimeout(grow, 0); };
    grow();`;
  await test.load(badModule("filler", fill));
  await (await test.alice.admin.request("POST", "/m/filler/")).body?.cancel();
  const ended = Promise.all([test.whyEnded("filler"), test.whyEnded("good")]);
  await test.exchangeUntil(ended, 100);
  const [filler, good] = await ended;
  assert(/^memory_full/.test(filler), filler);
  assert(/^memory_(shared|full)/.test(good), good);
  await test.alice.ask("POST", "/modules/disable", { module: "filler" });
  const back = until(async () => (await test.view("good")).state === "running", "it returns");
  await test.exchangeUntil(back, 100);
  await back;
  const texts = (await test.bob.admin.inbox()).map(({ text }) => text);
  assertEquals(texts, Array.from({ length: test.sent }, (_, n) => `message ${n + 1}`));
});
