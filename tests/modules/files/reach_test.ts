import { assert, assertEquals, assertRejects } from "@std/assert";
import { BUILT_IN_MODULES } from "../../../modules/built_in.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { fileOf } from "../../peer/modules/files/file_world.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { TwoNodes } from "./two_nodes.ts";

/** What a module tries from inside, by name; each must come to nothing. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  files: "return Deno.readTextFileSync(body)",
  network: "return await fetch(body)",
  "a socket": "return new WebSocket(body)",
  environment: "return Deno.env.get('HOME')",
  "a process": "return new Deno.Command('id').outputSync()",
  "foreign functions": "return Deno.dlopen('libc.so.6', {})",
  "the runtime's process": "return process.exit(0)",
  require: "return require('node:fs')",
  Worker: "return new Worker('data:text/javascript,')",
  caches: "return await caches.open('x')",
  BroadcastChannel: "return new BroadcastChannel('x')",
  "shared memory": "return new SharedArrayBuffer(8)",
  "code of text": "return Function('return this')()",
  "the admin address": "return await context.fetch({ url: body })",
  "the data directory": "return await context.folder(body)",
  "a folder by its path": "return await (await context.folder('x')).read('../node.db')",
  "the peers": "return await context.peers.list()",
  "whom a word means": "return await context.peers.find(context.own.id)",
  "another permission": "return await context.peers.standing(context.own.id, 'message')",
  "meeting somebody": "return await context.peers.meet(context.own.id)",
  tables: "return context.storage.tables.statement('SELECT 1')",
  "frames of others": `return context.send({ peer: context.own.id, type: "other.x" })` +
    ".acknowledged",
  "frames of the core": `return context.send({ peer: context.own.id, type: "core.bye" })` +
    ".acknowledged",
  "a frame as another one": `return context.send({ peer: context.own.id, type: "x",
    header: { type: "other.x" } }).acknowledged`,
  "calls of others": `return await context.ask({ peer: context.own.id, type: "other.x" })`,
  "the id of another module's frame": `return context.send({ peer: context.own.id, type: "x",
    id: "other-1".padEnd(64, "x") }).acknowledged`,
  "opening what another module sealed": `
    const [opened] = await context.storage.open([{ aad: new Uint8Array(),
      sealed: Uint8Array.from(body.split(","), Number) }]);
    return opened`,
};

/** Asks what it is told to try, whose outcome it tells. */
function prober(name: string, before = ""): string {
  const tries = Object.entries(ATTEMPTS).map(([what, code]) =>
    `${JSON.stringify(what)}: async (body) => { ${code} }`
  );
  return before + fileOf(
    { name, frames: [{ type: "x", members: [] }] },
    `registerPeerHandlers(peers) { peers.frame("x", { receive: async () => true }); },
    registerRoutes(router) {
      const tries = { ${tries.join(",\n")} };
      router.route("POST", "/try", async ({ query, body }) => {
        try {
          const given = await tries[query.what](decoder.decode(body));
          return { json: given === null || given === undefined ? "nothing" : "gave " + given };
        } catch (error) {
          return { json: "threw " + (error.code ?? error.name) };
        }
      });
      router.route("PUT", "/own", async ({ body }) => {
        const [sealed] = await context.storage.seal([{ aad: new Uint8Array(), content: body }]);
        await context.storage.put("own", sealed);
        await context.files.write("own", body);
        return { json: [...sealed] };
      });
      router.route("GET", "/own", async () => {
        const rows = await context.storage.range({ limit: 1000 });
        return { json: [rows.map(({ key }) => key), await context.files.list()] };
      });
    },`,
  );
}

/** Loads a file at a node that has nobody to talk to. */
async function loadAt(node: LoopbackNode, text: string): Promise<void> {
  const test = Object.create(TwoNodes.prototype, { alice: { value: node } }) as TwoNodes;
  await test.load(text);
}

/** What could be of use to each attempt, had it a way. */
function bodyFor(what: string, node: LoopbackNode, sealed: readonly number[]): string {
  if (what.startsWith("opening")) return sealed.join(",");
  if (what === "the data directory") return node.data;
  return what === "files" ? `${node.data}/node-secret` : node.url;
}

async function outcomesOf(node: LoopbackNode, name: string, sealed: readonly number[]) {
  const outcomes: Record<string, string> = {};
  for (const what of Object.keys(ATTEMPTS)) {
    const path = `/m/${name}/try?what=${encodeURIComponent(what)}`;
    const { headers } = node.admin;
    const body = bodyFor(what, node, sealed);
    const request = new Request(`http://127.0.0.1:1${path}`, { method: "POST", headers, body });
    outcomes[what] = await (await node.node.handleAdmin(request)).json();
  }
  return outcomes;
}

/** What a file changes before the guest uses it, to see or to say more than its own context lets it. */
const TRICKS = `
  const seen = globalThis.seen = [];
  const { stringify, parse } = JSON;
  for (const [owner, name] of [
    [Map.prototype, "get"], [Map.prototype, "set"], [Map.prototype, "delete"],
    [Array.prototype, "map"], [Array.prototype, "reduce"], [Array.prototype, "flatMap"],
    [Uint8Array.prototype.__proto__, "set"], [Uint8Array.prototype.__proto__, "subarray"],
    [Uint8Array.prototype.__proto__, "slice"], [Promise.prototype, "then"], [JSON, "parse"],
  ]) {
    const former = owner[name];
    owner[name] = function (...given) {
      if (seen.length < 200) seen.push(this);
      return Reflect.apply(former, this, given);
    };
  }
  // Every question becomes one about the peers, and every frame one of another module.
  JSON.stringify = (value) => {
    if (value?.kind === "ask" && value.op === "peers.standing") {
      return stringify({ ...value, op: "peers.list", value: null });
    }
    if (value?.op === "send") {
      return stringify({ ...value, value: { ...value.value, type: "other.x" } });
    }
    return stringify(value);
  };
  Object.prototype.then = undefined;
`;

Deno.test("a module from a file reaches nothing but what its context lets it, with and without tricks", async (t) => {
  await using node = await new LoopbackNode().start();
  await loadAt(node, prober("other"));
  const sealed = await node.ask<number[]>("PUT", "/m/other/own", "a secret");
  for (const [name, before] of Object.entries({ prober: "", tricky: TRICKS })) {
    await t.step(name, async () => {
      await loadAt(node, prober(name, before));
      const outcomes = await outcomesOf(node, name, sealed);
      const reached = Object.entries(outcomes).filter(([, outcome]) => outcome.startsWith("gave"));
      assertEquals(reached, []);
      const codes = ["the peers", "whom a word means", "another permission", "the admin address"]
        .map((what) => outcomes[what]);
      assertEquals(codes, Array(4).fill("threw forbidden"));
      assertEquals(await node.ask("GET", `/m/${name}/own`), [[], []], "nothing of another module");
    });
  }
  await t.step("the module whose things they tried has them", async () => {
    const [keys, files] = await node.ask("GET", "/m/other/own");
    assertEquals([keys, files.length], [["own"], 1]);
    assert((await node.status()).warnings.every((text) => !text.includes("module")));
  });
  await t.step("words of other kinds end the module that says them", async () => {
    const raw = (what: string) =>
      `const { stringify } = JSON; let isRaw = false;
      JSON.stringify = (value) => isRaw ? ${what} : stringify(value);
      ` + fileOf(
        { name: "raw" },
        `registerRoutes(router) {
        router.route("GET", "/", async () => { isRaw = true; context.storage.get("x"); return {}; });
      },`,
      );
    const whole = JSON.stringify({ kind: "hello", parts: [] });
    for (const what of [`""`, `"[]"`, JSON.stringify(whole), `"{".repeat(9)`]) {
      await loadAt(node, raw(what));
      const error = await assertRejects(() => node.ask("GET", "/m/raw/"), OpenRedError);
      assertEquals(error.code, "overloaded");
      const { modules } = await node.ask("GET", "/modules");
      const { why } = modules.find((one: { name: string }) => one.name === "raw");
      assert(/^bad_message/.test(why), why);
      await node.ask("POST", "/modules/unload", { module: "raw", forget: true });
    }
  });
});

Deno.test("a file that imports anything, in any way, does not load", async () => {
  await using node = await new LoopbackNode().start();
  const imports = [
    `import fs from "node:fs";`,
    `import "./node.db";`,
    `export * from "https://a.example/x.js";`,
    `const x = () => import("data:text/javascript,");`,
    `const x = () => import("npm:left-pad");`,
    `const x = import.meta.url;`,
  ];
  for (const line of imports) {
    const text = `${line}\n${fileOf({ name: "importing" })}`;
    const error = await assertRejects(() => loadAt(node, text), OpenRedError);
    assertEquals(error.code, "bad_request", line);
  }
  const { modules } = await node.ask("GET", "/modules");
  const builtIn = BUILT_IN_MODULES.map(({ name }) => name).sort();
  assertEquals(modules.map(({ name }: { name: string }) => name).sort(), builtIn);
});
