/**
 * Modules from files in a binary: one that answers, one that loops for ever, one that fills the memory. The older
 * runtime that a binary may have has no limit for a thread's heap: there the watch over the whole process must do.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import type { LocalNetwork, LocalNode } from "../../scripts/local_network/network.ts";
import { exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { poll } from "../../scripts/local_network/timeout.ts";
import { toHex } from "../vectors/read_vectors.ts";

/** A process that comes to its limit on a busy machine takes some seconds for that. */
const END_TIMEOUT_MS = 60_000;

/** Answers on one route, and does something else on another. */
function fileOf(name: string, code: string): Uint8Array {
  const manifest = { name, version: "1.0.0", api: 1, summary: "A module of the tests" };
  return encodeUtf8(`let context;
    export default {
      manifest: ${JSON.stringify(manifest)},
      async start(given) { context = given; },
      registerRoutes(router) {
        router.route("GET", "/", async () => {
          await context.storage.put(context.own.id, new Uint8Array(1));
          const rows = await context.storage.range({ limit: 10 });
          return { json: rows.map(({ key }) => key) };
        });
        router.route("POST", "/", async () => { ${code} return { json: null }; });
      },
    };`);
}

async function load(node: LocalNode, code: Uint8Array): Promise<void> {
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(code));
  const sha256 = toHex(new Uint8Array(hash));
  const input = { code: encodeBase64Url(code), sha256, grants: [], change: "new" };
  const view = await node.admin.changeModule("load", input);
  assertEquals(view.state, "running");
}

/** Has a module do what it must not. @returns Why it was ended. */
async function endOf(node: LocalNode, name: string): Promise<string> {
  const call = { module: name, method: "POST", path: "/", text: null } as const;
  const asked = node.admin.callModule(call).catch(() => undefined);
  const why = await poll(async () => {
    const found = (await node.admin.modules()).modules.find((one) => one.name === name);
    return found?.state === "failed" ? found.why ?? "" : null;
  }, { timeoutMs: END_TIMEOUT_MS, what: `the end of ${name}` });
  await asked;
  return why;
}

/** Loads a module into the first node, whose neighbour notices nothing of all that it does. */
export async function runModules(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes;
  if (alice === undefined || bob === undefined) throw new TypeError("Expected two nodes");
  const bad = {
    loops: ["while (true);", /^unresponsive/],
    // A runtime without a limit for the heap of a Worker ends it by what the whole process may have.
    fills_heap: [
      "const kept = []; while (true) kept.push({ kept });",
      /^(heap_full|unresponsive|memory_full)/,
    ],
    fills_memory: [
      `const kept = [];
      const grow = () => { kept.push(new Uint8Array(2 ** 24).fill(1)); setTimeout(grow, 0); };
      grow();`,
      /^memory_full/,
    ],
  } as const;
  for (const [name, [code, why]] of Object.entries(bad)) {
    await load(alice, fileOf(name, code));
    const call = { module: name, method: "GET", path: "/", text: null } as const;
    const answer = await alice.admin.callModule(call);
    assertEquals(JSON.parse(new TextDecoder().decode(answer)), [alice.id]);
    assertMatch(await endOf(alice, name), why);
    await exchangeMessage({ from: alice, to: bob, text: `after ${name}` });
    await alice.admin.changeModule("unload", { module: name, forget: true });
  }
}
