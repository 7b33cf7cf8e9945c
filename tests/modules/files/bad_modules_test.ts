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

/** What a module asks for again and again, within all limits: it is not ended, and others do not wait for it. */
const GREEDY: Readonly<Record<string, string>> = {
  ranges: `context.storage.range({ limit: 1_000 })`,
  batches: `context.storage.batch(Array.from({ length: 1_000 }, (_, n) => (
    { key: "key " + n, value: new Uint8Array(9) }
  )))`,
  seals: `context.storage.seal(Array.from({ length: 300 }, () => (
    { aad: new Uint8Array(9), content: new Uint8Array(1_000) }
  )))`,
  writes: `context.files.write("file", new Uint8Array(500_000))`,
};

function greedyModule(name: string, what: string): string {
  return badModule(
    name,
    `for (let at = 0; at < 10; at++) {
      const rows = Array.from({ length: 100 }, (_, n) => (
        { key: "row " + at + n, value: new Uint8Array(900) }
      ));
      await context.storage.batch(rows);
    }
    const again = () => ${what}.then(again);
    for (let one = 0; one < 8; one++) again();`,
  );
}

function badModule(name: string, code: string): string {
  return fileOf(
    { name, frames: [{ type: "x", members: [] }] },
    `registerPeerHandlers(peers) { peers.frame("x", { receive: async () => true }); },
    registerRoutes(router) {
      router.route("POST", "/", async () => { ${code} return { json: "done" }; });
    },`,
  );
}

/**
 * Others who wait for a module wait for seconds. How many milliseconds more a busy thread costs them is for the
 * benchmark of modules to say, as it needs a machine without other work.
 */
function assertGoOn(alone: readonly number[], beside: readonly number[]): void {
  const [before, then] = [medianOf(alone), medianOf(beside)];
  assert(then <= 2 * before + 500, `${before} ms became ${then} ms`);
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
    assertGoOn(normal, during);
  });
  assertEquals(test.alice.log.audited("module_failed"), Object.keys(LATER).length);
  const texts = (await test.bob.admin.inbox()).map(({ text }) => text);
  assertEquals(texts, Array.from({ length: test.sent }, (_, n) => `message ${n + 1}`));
});

Deno.test("a module that asks for all it may get keeps nobody waiting", async (t) => {
  await using test = await TwoNodes.start();
  const alone: number[] = [];
  const beside: number[] = [];
  for (const [name, what] of Object.entries(GREEDY)) {
    await t.step(name, async () => {
      for (let one = 0; one < 10; one++) alone.push(await test.exchange());
      await test.load(greedyModule(name, what));
      await (await test.alice.admin.request("POST", `/m/${name}/`)).body?.cancel();
      for (let one = 0; one < 10; one++) beside.push(await test.exchange());
      assertEquals((await test.view(name)).state, "running");
      await test.unload(name);
    });
  }
  assertGoOn(alone, beside);
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
