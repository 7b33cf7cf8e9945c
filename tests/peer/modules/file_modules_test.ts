import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { ContextWorld } from "../../world/module_context.ts";

async function sha256Of(code: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", code)).toHex();
}

/** Says whether it is granted the peers. It takes a moment to start. */
const SPY = encodeUtf8(`
let context;
export default {
  manifest: {
    name: "spy", version: "1", api: 1, summary: "Looks at peers", grants: [{ kind: "peers", why: "To look at them" }],
  },
  registerRoutes(router) {
    router.route("GET", "/", async () => ({ json: await context.peers.list().then(() => "granted", ({ code }) => code) }));
  },
  async start(given) {
    context = given;
    context.log.log("info", "starts");
    await new Promise((resolve) => setTimeout(resolve, 300));
  },
};
`);

async function startSpy(world: ContextWorld): Promise<HostedModules> {
  const hosted = await HostedModules.start(world);
  const sha256 = await sha256Of(SPY);
  await hosted.host.load({ code: SPY, sha256, grants: ["peers"], change: "new" });
  assertEquals(await hosted.ask("GET", "/m/spy/"), "granted");
  return hosted;
}

Deno.test("a grant that is taken back before a module's file is opened is not given again", async () => {
  using world = await ContextWorld.create();
  const hosted = await startSpy(world);
  const reloaded = hosted.host.reload("spy");
  await hosted.host.revoke("spy", "peers");
  await reloaded;
  assertEquals(await hosted.ask("GET", "/m/spy/"), "forbidden");
  assertEquals(hosted.states.get("spy")?.revoked, ["peers"]);
  await hosted.host.stop();
});

Deno.test("a grant that is taken back while a module starts is not given again", async () => {
  using world = await ContextWorld.create();
  const hosted = await startSpy(world);
  const starts = () =>
    world.parts.log.entries.filter(({ event }) => event === "module_says_spy_starts").length;
  const reloaded = hosted.host.reload("spy");
  // The thread is a real one.
  while (starts() < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await hosted.host.revoke("spy", "peers");
  await reloaded;
  assertEquals(await hosted.ask("GET", "/m/spy/"), "forbidden");
  await hosted.host.stop();
});

Deno.test("changes of one module that meet do not undo each other", async () => {
  using world = await ContextWorld.create();
  const hosted = await startSpy(world);
  const disabled = hosted.host.disable("spy");
  await Promise.all([hosted.host.revoke("spy", "peers"), disabled]);
  const { enabled, grants, revoked } = hosted.states.get("spy")!;
  assertEquals({ enabled, grants, revoked }, { enabled: false, grants: [], revoked: ["peers"] });
  const unloaded = hosted.host.unload("spy", { forget: true });
  const granted = hosted.host.grant("spy", "peers");
  await unloaded;
  await assertRejects(() => granted, OpenRedError);
  assertEquals(hosted.states.get("spy"), null);
  await hosted.host.stop();
});

Deno.test("a file that calls itself by another name than it was agreed to under does not start", async () => {
  using world = await ContextWorld.create();
  const hosted = await startSpy(world);
  const { states, host } = hosted;
  const sha256 = await sha256Of(SPY);
  const salt = states.newSalt();
  await world.parts.store.write(() => {
    states.writePut({ ...states.get("spy")!, name: "weather", sha256, salt });
    states.writeCode("weather", SPY);
  });
  const error = await assertRejects(() => host.enable("weather"), OpenRedError);
  assertEquals([error.code, error.message], [
    "forbidden",
    "The file calls itself spy now, not weather",
  ]);
  assertEquals(host.views().map(({ name, state }) => `${name} ${state}`), [
    "spy running",
    "weather stopped",
  ]);
  await host.stop();
});

Deno.test("a file that calls itself by another name than the owner was shown is not loaded", async () => {
  using world = await ContextWorld.create();
  const hosted = await startSpy(world);
  const sha256 = await sha256Of(SPY);
  const load = (module: string) =>
    hosted.host.load({ module, code: SPY, sha256, grants: [], change: "upgrade" });
  const error = await assertRejects(() => load("weather"), OpenRedError);
  assertEquals(error.code, "forbidden");
  assertEquals(hosted.states.get("spy")?.grants, ["peers"]);
  assertEquals((await load("spy")).state, "running");
  await hosted.host.stop();
});
