import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import type { ModuleContext, OpenRedModule, PeerFrame } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { settle } from "../../world/settle.ts";
import { moduleOf, type TestManifest, testManifest } from "../../world/test_module.ts";

const [PEER, OTHER] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill))) as [
  NodeId,
  NodeId,
];

const SIZE = {
  type: "number",
  name: "size",
  summary: "some",
  fallback: 1,
  min: 0,
  max: 9,
} as const;

/** A module that notes what it is told. */
function telling(
  manifest: TestManifest,
  told: string[],
  changes: Partial<OpenRedModule> = {},
): OpenRedModule {
  const { name } = manifest;
  const tell = (what: string) => void told.push(`${name} ${what}`);
  return {
    manifest: testManifest(manifest),
    start: () => Promise.resolve(tell("starts")),
    stop: () => Promise.resolve(tell("stops")),
    sessionConfirmed: (peer) => tell(`confirmed ${peer === PEER}`),
    peerMoved: (old, next) => tell(`moved ${old === PEER} ${next === OTHER}`),
    peerForgotten: (peer) => tell(`forgotten ${peer === PEER}`),
    ...changes,
  };
}

function states({ host }: HostedModules): string[] {
  return host.views().map(({ name, state }) => `${name} ${state}`);
}

Deno.test("ModuleHost starts modules in their order and stops them from the last one on", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const names = ["zebra", "alpha", "mole"];
  const modules = names.map((name) => telling({ name, services: [name, "both"] }, told));
  const hosted = await HostedModules.start(world, ...modules);
  assertEquals(told.splice(0), ["zebra starts", "alpha starts", "mole starts"]);
  assertEquals([...hosted.host.runs.all].map(({ name }) => name), names);
  assertEquals(hosted.services.at(-1), ["zebra", "both", "alpha", "mole"]);
  assertEquals(states(hosted), ["alpha running", "mole running", "zebra running"]);
  await hosted.host.stop();
  assertEquals(told, ["mole stops", "alpha stops", "zebra stops"]);
  assertEquals(hosted.services.at(-1), []);
  const audited = ["module_loaded", "module_stopped"].map((event) =>
    world.parts.log.audited(event)
  );
  assertEquals(audited, [3, 3]);
});

Deno.test("ModuleHost refuses two modules of one name, and one called as the protocol's own frames", async () => {
  using world = await ContextWorld.create();
  const named = (...names: string[]) => () =>
    new HostedModules(world, names.map((name) => telling({ name }, [])));
  assertThrows(named("alpha", "beta", "alpha"), RangeError);
  assertThrows(named("core"), RangeError);
  named("alpha", "beta")();
});

Deno.test("ModuleHost tells every module that runs what happens to peers, and cancels what waits for them", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  let context!: ModuleContext;
  const sending = telling({ name: "alpha", frames: [{ type: "x" }] }, told, {
    registerPeerHandlers: (peers) => peers.frame("x", { receive: () => Promise.resolve(true) }),
    start: (given) => {
      context = given;
      return Promise.resolve();
    },
  });
  const hosted = await HostedModules.start(world, sending, telling({ name: "beta" }, told));
  const { host } = hosted;
  told.length = 0;
  host.confirmed(PEER);
  await settle();
  assertEquals(told.splice(0), ["alpha confirmed true", "beta confirmed true"]);
  const send = () => context.send({ peer: PEER, type: "x", id: "a" }).acknowledged;
  for (const gone of [() => host.writeMove(PEER, OTHER), () => host.writeForget(PEER)]) {
    const sent = send();
    assertEquals(host.waiting(PEER), 1);
    await world.parts.store.write(gone);
    assertEquals([await sent, host.waiting(PEER)], [null, 0]);
  }
  assertEquals(told.splice(0), [
    "alpha moved true true",
    "beta moved true true",
    "alpha forgotten true",
    "beta forgotten true",
  ]);
  await host.disable("beta");
  told.length = 0;
  host.confirmed(PEER);
  await settle();
  assertEquals(told, ["alpha confirmed true"]);
});

Deno.test("ModuleHost forgets the frames of an id that another one has followed", async () => {
  using world = await ContextWorld.create();
  const receive = () => Promise.resolve(true);
  const manifest = { name: "alpha", frames: [{ type: "x" }] };
  const hosted = await HostedModules.start(world, moduleOf(manifest, { receive }));
  await world.parts.permissions.decide(PEER, { name: "alpha", allowed: true });
  const has = () => hosted.gate.has(PEER, { type: "alpha.x", id: "a" });
  assertEquals([await hosted.take(PEER, { type: "alpha.x", id: "a" }), has()], [true, true]);
  await world.parts.store.write(() => hosted.host.writeMove(PEER, OTHER));
  assertEquals(has(), false);
});

Deno.test("ModuleHost says which module failed to start and why, and starts the others", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const failing = (name: string, error: Error) =>
    telling({ name, frames: [{ type: "x" }] }, told, {
      registerPeerHandlers: (peers) => peers.frame("x", { receive: () => Promise.resolve(true) }),
      start: () => Promise.reject(error),
    });
  const slow = telling({ name: "slow" }, told, { start: () => new Promise(() => {}) });
  const lying = telling({ name: "lying", frames: [{ type: "x" }] }, told);
  const starting = HostedModules.start(
    world,
    failing("broken", new TypeError("a secret of the inside")),
    failing("refusing", new OpenRedError("unsupported", "Not on this disk")),
    lying,
    slow,
    telling({ name: "sound" }, told),
  );
  await world.parts.clock.advance(9_999);
  assertEquals(told, [], "one after the other");
  await world.parts.clock.advance(1);
  const hosted = await starting;
  assertEquals([told, [...hosted.host.runs.all].map(({ name }) => name)], [["sound starts"], [
    "sound",
  ]]);
  const whys = hosted.host.views().map(({ name, state, why }) => [name, state, why]);
  assertEquals(whys, [
    ["broken", "failed", "It failed to start"],
    ["lying", "failed", "The frame x has no handler"],
    ["refusing", "failed", "Not on this disk"],
    ["slow", "failed", "It did not start in time"],
    ["sound", "running", undefined],
  ]);
  assertEquals(world.parts.events.warnings().length, 4);
  assertEquals(world.parts.log.audited("module_failed"), 4);
  assertEquals(hosted.gate.has(PEER, { type: "broken.x", id: "a" }), false);
});

Deno.test("ModuleHost takes the warning back once a module that failed runs", async () => {
  using world = await ContextWorld.create();
  let fails = true;
  const module = telling({ name: "alpha" }, [], {
    start: () => fails ? Promise.reject(new TypeError("broken")) : Promise.resolve(),
  });
  const hosted = await HostedModules.start(world, module);
  assertEquals(world.parts.events.warnings().length, 1);
  await assertRejects(() => hosted.host.enable("alpha"), TypeError);
  fails = false;
  assertEquals((await hosted.host.enable("alpha")).state, "running");
  assertEquals(world.parts.events.warnings(), []);
});

Deno.test("ModuleHost keeps over a restart what was switched off, and says what there is not", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const start = () => HostedModules.start(world, telling({ name: "alpha" }, told));
  let hosted = await start();
  for (const change of ["enable", "disable"] as const) {
    const error = await assertRejects(() => hosted.host[change]("beta"), OpenRedError);
    assertEquals(error.code, "not_found");
  }
  assertEquals((await hosted.host.disable("alpha")).state, "stopped");
  await hosted.host.disable("alpha");
  assertEquals(told.splice(0), ["alpha starts", "alpha stops"]);
  await hosted.host.stop();
  hosted = await start();
  assertEquals([states(hosted), told], [["alpha stopped"], []]);
  await Promise.all([hosted.host.enable("alpha"), hosted.host.enable("alpha")]);
  assertEquals(told.splice(0), ["alpha starts"], "once");
  await hosted.host.stop();
  hosted = await start();
  assertEquals(states(hosted), ["alpha running"]);
});

Deno.test("ModuleHost stops a module once its calls are over, and not for one that never ends", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const never = Promise.withResolvers<boolean>();
  const soon = Promise.withResolvers<boolean>();
  const receive = ({ id }: PeerFrame) => id === "never" ? never.promise : soon.promise;
  const hosted = await HostedModules.start(
    world,
    telling({ name: "alpha", frames: [{ type: "x" }] }, told, {
      registerPeerHandlers: (peers) => peers.frame("x", { receive }),
    }),
  );
  await world.parts.permissions.decide(PEER, { name: "alpha", allowed: true });
  const take = (id: string) => hosted.take(PEER, { type: "alpha.x", id });
  told.length = 0;
  const first = take("soon");
  await settle();
  const disabling = hosted.host.disable("alpha");
  await settle();
  assertEquals([told, await take("too late")], [[], false]);
  soon.resolve(true);
  assertEquals([await first, (await disabling).state], [true, "stopped"]);
  assertEquals(told.splice(0), ["alpha stops"]);
  await hosted.host.enable("alpha");
  void take("never");
  await settle();
  const stopping = hosted.host.disable("alpha");
  await world.parts.clock.advance(29_999);
  assertEquals(told, ["alpha starts"]);
  await world.parts.clock.advance(1);
  await stopping;
  assertEquals(told, ["alpha starts", "alpha stops"]);
  const late = world.parts.log.entries.filter(({ event }) => event === "module_ended_late");
  assertEquals(late.length, 1);
});

Deno.test("A module that has stopped sends nothing and opens nothing any more", async () => {
  using world = await ContextWorld.create();
  let context!: ModuleContext;
  const hosted = await HostedModules.start(world, {
    ...moduleOf({ name: "alpha", frames: [{ type: "x" }] }, {
      receive: () => Promise.resolve(true),
    }),
    start: (given) => {
      context = given;
      return Promise.resolve();
    },
  });
  const row = { aad: new Uint8Array([1]), content: new Uint8Array([2]) };
  const [sealed] = await context.storage.seal([row]);
  const waiting = context.send({ peer: PEER, type: "x", id: "a" }).acknowledged;
  await hosted.host.disable("alpha");
  assertEquals(await waiting, null);
  assertThrows(() => context.send({ peer: PEER, type: "x", id: "b" }), OpenRedError);
  await assertRejects(() => context.storage.open([{ aad: row.aad, sealed: sealed! }]));
  await hosted.host.enable("alpha");
  const opened = await context.storage.open([{ aad: row.aad, sealed: sealed! }]);
  assertEquals(opened, [row.content], "its key is the same whenever it runs");
});

Deno.test("ModuleHost ends a run of a built-in module before the next one starts", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const manifest = { name: "alpha", options: [SIZE] };
  const hosted = await HostedModules.start(world, telling(manifest, told));
  await hosted.host.reload("alpha");
  await hosted.host.setOption("alpha", "size", 2);
  assertEquals(
    told,
    ["starts", "stops", "starts", "stops", "starts"].map((what) => `alpha ${what}`),
  );
});

Deno.test("ModuleHost tells a built-in module what it has missed of peers before it takes anything", async () => {
  using world = await ContextWorld.create();
  const told: string[] = [];
  const starting = Promise.withResolvers<void>();
  let runs = 0;
  const module = telling({ name: "alpha" }, told, {
    start: () => ++runs === 2 ? starting.promise : Promise.resolve(),
  });
  const hosted = await HostedModules.start(world, module);
  const { host } = hosted;
  const { store } = world.parts;
  const reloading = host.reload("alpha");
  await settle();
  await store.write(() => host.writeMove(PEER, OTHER));
  assertEquals(told, ["alpha stops"], "it does not run");
  starting.resolve();
  await reloading;
  assertEquals(told.splice(0), ["alpha stops", "alpha moved true true"]);
  await host.disable("alpha");
  await store.write(() => host.writeForget(PEER));
  told.length = 0;
  await host.enable("alpha");
  assertEquals(told.splice(0), ["alpha forgotten true"]);
  await host.reload("alpha");
  assertEquals(told, ["alpha stops"], "once");
});

Deno.test("ModuleHost goes on with the former value where a built-in module does not start with another", async () => {
  using world = await ContextWorld.create();
  const sizes: unknown[] = [];
  const manifest = { name: "alpha", options: [SIZE] };
  const module = telling(manifest, [], {
    start: ({ options }) => {
      sizes.push(options.size);
      return options.size === 2
        ? Promise.reject(new OpenRedError("unsupported", "Not of this size"))
        : Promise.resolve();
    },
  });
  const hosted = await HostedModules.start(world, module);
  const set = () => hosted.host.setOption("alpha", "size", 2);
  assertEquals((await assertRejects(set, OpenRedError)).message, "Not of this size");
  assertEquals([sizes, states(hosted)], [[1, 2, 1], ["alpha running"]]);
  assertEquals(world.parts.events.warnings(), []);
});
