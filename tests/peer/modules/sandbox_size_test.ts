import { assertEquals, assertRejects } from "@std/assert";
import type { ModuleContext, RouteHandler } from "../../../modules/api.ts";
import { openSandbox } from "../../../peer/modules/sandbox/open_sandbox.ts";
import { MAX_MODULE_MESSAGE_BYTES } from "../../../ports/module_workers.ts";
import { systemClock } from "../../../ports/system.ts";
import { createModuleWorkers } from "../../../ports/system_module_workers.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

const CODE = `
let context;
export default {
  manifest: { name: "sizes", version: "1", api: 1, summary: "Tells sizes" },
  registerRoutes(router) {
    router.route("POST", "/", async ({ body }) => ({ json: body.length }));
    router.route("GET", "/file", async () => ({ json: (await context.files.read("x")).length }));
  },
  async start(given) { context = given; },
};
`;

/** Calls of the clock that were neither cancelled nor came to their end. */
function countingClock() {
  let waiting = 0;
  return {
    waiting: () => waiting,
    monotonicMs: () => systemClock.monotonicMs(),
    setTimer(delayMs: number, callback: () => void) {
      waiting += 1;
      let isOver = false;
      const end = () => {
        if (!isOver) waiting -= 1;
        isOver = true;
      };
      const cancel = systemClock.setTimer(delayMs, () => (end(), callback()));
      return () => (end(), cancel());
    },
  };
}

Deno.test("what is larger than a message is refused, and the module goes on", async () => {
  const moduleWorkers = createModuleWorkers({ processBytes: Infinity });
  const clock = countingClock();
  const opened = await openSandbox({ clock, moduleWorkers }, { name: "sizes", code: CODE });
  const routes: RouteHandler[] = [];
  opened.module.registerRoutes?.({
    route: (_method, _pattern, handler) => void routes.push(handler),
  });
  const size = { bytes: MAX_MODULE_MESSAGE_BYTES };
  const files = { read: () => Promise.resolve(new Uint8Array(size.bytes)) };
  const storage = { restoredAtMs: null };
  const context = { files, storage, random: { bytes: (length: number) => new Uint8Array(length) } };
  await opened.module.start?.(context as unknown as ModuleContext);
  const ask = async (index: number, body = new Uint8Array()) => {
    const { signal } = new AbortController();
    const method = index === 0 ? "POST" : "GET";
    const { body: answer } = await routes[index]!({
      method,
      path: "/",
      params: {},
      query: {},
      body,
      signal,
    });
    return JSON.parse(new TextDecoder().decode(answer));
  };
  const fitting = MAX_MODULE_MESSAGE_BYTES - 1_024;
  assertEquals(await ask(0, new Uint8Array(fitting)), fitting);
  for (const length of [MAX_MODULE_MESSAGE_BYTES - 10, MAX_MODULE_MESSAGE_BYTES]) {
    const error = await assertRejects(() => ask(0, new Uint8Array(length)), OpenRedError);
    assertEquals(error.code, "too_large");
  }
  assertEquals(clock.waiting(), 0, "no time limit of a call that never began is left");
  assertEquals((await assertRejects(() => ask(1), OpenRedError)).code, "too_large");
  size.bytes = fitting;
  assertEquals(await ask(1), fitting);
  await moduleWorkers.stop();
});
