import { assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import type { Middleware, MiddlewareCall } from "../../../modules/api.ts";
import { runMiddleware } from "../../../peer/modules/middleware.ts";
import type { ModuleKind, RunningModule } from "../../../peer/modules/running_module.ts";
import { Background } from "../../../peer/timing/background.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { runningModule, testManifest } from "../../world/test_module.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(1));
const CALL: MiddlewareCall = { method: "FRAME", path: "alpha.x", peer: PEER, bytes: 3 };

function moduleWith(name: string, kind: ModuleKind, ...all: Middleware[]): RunningModule {
  return runningModule({
    manifest: testManifest({ name }),
    registerMiddleware(chain) {
      for (const one of all) chain.use(one);
    },
  }, kind);
}

function setUp() {
  const log = new MemoryLog();
  const seen: string[] = [];
  const see = (what: string): Middleware => async ({ path }) => {
    await Promise.resolve();
    seen.push(`${what} ${path}`);
  };
  const refuse = (what: string): Middleware => () => {
    seen.push(what);
    throw new OpenRedError("forbidden", what);
  };
  const background = new Background(log);
  const run = async (modules: RunningModule[], owner: RunningModule | null) =>
    await runMiddleware(modules, CALL, { owner, background });
  return { log, seen, see, refuse, background, run };
}

Deno.test("runMiddleware() runs one after the other: in the order of the modules, then of their own", async () => {
  const { seen, see, run } = setUp();
  await run([
    moduleWith("first", "built-in", see("a"), see("b")),
    moduleWith("second", "built-in", see("c")),
  ], null);
  assertEquals(seen, ["a alpha.x", "b alpha.x", "c alpha.x"]);
});

Deno.test("runMiddleware() ends at the first refusal, of a built-in module or of the one that is called", async () => {
  const { seen, see, refuse, run } = setUp();
  const own = moduleWith("own", "file", refuse("own"));
  const refused = async (modules: RunningModule[]) => {
    const error = await assertRejects(() => run(modules, own), OpenRedError);
    return [error.message, ...seen.splice(0)];
  };
  const after = moduleWith("after", "built-in", see("after"));
  const before = moduleWith("before", "built-in", see("before"));
  assertEquals(await refused([before, own, after]), ["own", "before alpha.x", "own"]);
  const builtIn = moduleWith("guard", "built-in", refuse("guard"));
  assertEquals(await refused([before, builtIn, own]), ["guard", "before alpha.x", "guard"]);
});

Deno.test("runMiddleware() lets a module from a file refuse and delay nothing that is not its own", async () => {
  const { log, seen, see, refuse, background, run } = setUp();
  const never = Promise.withResolvers<void>();
  const owner = moduleWith("owner", "built-in", see("owner"));
  await run([
    moduleWith("refusing", "file", refuse("refusing")),
    moduleWith("slow", "file", () => never.promise),
    moduleWith("broken", "file", () => {
      throw new TypeError("broken");
    }),
    owner,
  ], owner);
  assertEquals(seen, ["refusing", "owner alpha.x"], "told, and not asked");
  never.resolve();
  await background.settled();
  assertEquals(log.entries.map(({ level }) => level), ["warn", "error"]);
});

Deno.test("A middleware is told of frames and of the owner's requests, and what it says goes for both", async () => {
  using world = await ContextWorld.create();
  const calls: MiddlewareCall[] = [];
  let refuses = false;
  let handled = 0;
  const hosted = await HostedModules.start(world, {
    manifest: testManifest({ name: "weather", frames: [{ type: "report" }] }),
    registerPeerHandlers: (peers) =>
      peers.frame("report", { receive: () => Promise.resolve(++handled > 0) }),
    registerRoutes: (router) =>
      router.route("POST", "/notes/:id", () => Promise.resolve({ json: ++handled })),
  }, {
    manifest: testManifest({ name: "guard" }),
    registerMiddleware: (chain) =>
      chain.use((call) => {
        calls.push(call);
        // deno-lint-ignore no-throw-literal
        if (refuses) throw { code: "rate_limited", message: "Later" };
      }),
  });
  const take = () =>
    hosted.take(PEER, { type: "weather.report", id: "a", body: new Uint8Array(5) });
  const ask = () => hosted.request("POST", "/m/weather/notes/secret?more=1", "four");
  assertEquals(await take(), false);
  assertEquals(calls, [], "of what a peer may not it is told nothing");
  await world.parts.permissions.decide(PEER, { name: "weather", allowed: true });
  await take();
  await ask();
  assertEquals([handled, ...calls.splice(0)], [
    2,
    { method: "FRAME", path: "weather.report", peer: PEER, bytes: 5 },
    { method: "POST", path: "/m/weather/notes/:id", peer: null, bytes: 4 },
  ]);
  refuses = true;
  const again = () => hosted.take(PEER, { type: "weather.report", id: "b" });
  for (const call of [again, ask]) {
    assertEquals((await assertRejects(call, OpenRedError)).code, "rate_limited");
  }
  assertEquals(handled, 2);
});
