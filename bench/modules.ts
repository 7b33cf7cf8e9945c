/**
 * Calls into a module from a file, in its thread, against the same module as a part of the program; what loading one
 * takes; what the built-in modules cost at start.
 *
 * @module
 */
import { LocalCryptoCore } from "../crypto/core.ts";
import { encodeNodeId, encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import type { OpenRedModule, PeerFrame } from "../modules/api.ts";
import type { OpenNode } from "../peer/node.ts";
import { fileOf } from "../tests/peer/modules/files/file_world.ts";
import { TwoNodes } from "../tests/modules/files/two_nodes.ts";
import { builtInOf, testManifest } from "../tests/world/test_module.ts";
import { startBenchNode } from "./programs/bench_node.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, rateOf, ratiosOf, spreadOf } from "./statistics.ts";

const BODY_BYTES = 256;
const BATCH = 64;
const MICROSECONDS = 1_000_000;
const PEER = encodeNodeId(new Uint8Array(32).fill(1)) as NodeId;
const FRAME: PeerFrame = {
  peer: PEER,
  type: "x",
  id: "a",
  header: {},
  body: new Uint8Array(BODY_BYTES),
  isRequest: false,
};

function manifestOf(name: string) {
  return testManifest({ name, frames: [{ type: "x", members: [] }] });
}

/** Answers with what it is given. */
function insideModule(): OpenRedModule {
  return {
    manifest: manifestOf("inside"),
    registerRoutes: (router) => router.route("POST", "/", ({ body }) => Promise.resolve({ body })),
    registerPeerHandlers: (peers) => peers.frame("x", { receive: () => Promise.resolve(true) }),
  };
}

/** The same as a file. */
const FILE = encodeUtf8(`export default {
  manifest: ${JSON.stringify(manifestOf("outside"))},
  registerRoutes: (router) => router.route("POST", "/", async ({ body }) => ({ body })),
  registerPeerHandlers: (peers) => peers.frame("x", { receive: async () => true }),
};`);

async function load(node: OpenNode, change: "new" | "upgrade"): Promise<void> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", FILE)).toHex();
  await node.inside.modules.load({ code: FILE, sha256: hash, grants: [], change });
}

async function callRoute(node: OpenNode, name: string): Promise<void> {
  const request = new Request(`http://127.0.0.1/m/${name}/`, {
    method: "POST",
    headers: { authorization: "Bearer bench" },
    body: FRAME.body as Uint8Array<ArrayBuffer>,
  });
  const answer = await node.handleAdmin(request);
  const { byteLength } = await answer.arrayBuffer();
  if (byteLength !== BODY_BYTES) throw new Error(`${name} answered ${answer.status}`);
}

async function callFrame(node: OpenNode, name: string): Promise<void> {
  const handler = node.inside.modules.runs.get(name)?.registered.frames.get("x");
  if (await handler?.receive(FRAME) !== true) throw new Error(`${name} took no frame`);
}

/** Microseconds a call, one after the other. */
async function spanOf(settings: Settings, call: () => Promise<void>): Promise<number> {
  const { perSecond } = await rateOf(async () => {
    for (let one = 0; one < BATCH; one++) await call();
    return BATCH;
  }, settings.sampleMs);
  return MICROSECONDS / perSecond;
}

async function measureCalls(node: OpenNode, settings: Settings): Promise<void> {
  for (const [what, call] of Object.entries({ route: callRoute, frame: callFrame })) {
    const { inside, outside } = await interleave(settings.rounds, {
      inside: () => spanOf(settings, () => call(node, "inside")),
      outside: () => spanOf(settings, () => call(node, "outside")),
    });
    printSamples(`${what}, built-in module`, inside, { unit: "µs", digits: 1 });
    printSamples(`${what}, module from a file`, outside, { unit: "µs", digits: 1 });
    printSamples(`${what}, from a file ÷ built-in`, ratiosOf(outside, inside), {
      unit: "×",
      digits: 1,
    });
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

async function measureLoading(node: OpenNode, settings: Settings): Promise<void> {
  const { loading, reloading } = await interleave(settings.rounds, {
    loading: async () => {
      await node.inside.modules.unload("outside", { forget: true });
      return await timeOf(() => load(node, "new"));
    },
    reloading: () => timeOf(() => node.inside.modules.reload("outside")),
  });
  printSamples("load", loading, { unit: "ms" });
  printSamples("reload", reloading, { unit: "ms" });
}

/** Milliseconds from the data to a node that runs. */
async function startOf(folder: string): Promise<number> {
  const crypto = await LocalCryptoCore.create();
  const options = { crypto, apiUrl: "http://127.0.0.1:1", folder };
  let node: OpenNode | null = null;
  const spanMs = await timeOf(async () => node = await startBenchNode(options));
  await (node as OpenNode | null)?.stop();
  await crypto.stop();
  return spanMs;
}

async function measureStart(settings: Settings): Promise<void> {
  const [on, off] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  const crypto = await LocalCryptoCore.create();
  const node = await startBenchNode({ crypto, apiUrl: "http://127.0.0.1:1", folder: off });
  for (const { name } of node.inside.modules.views()) await node.inside.modules.disable(name);
  await node.stop();
  await crypto.stop();
  const spans = await interleave(settings.rounds, {
    off: () => startOf(off),
    on: () => startOf(on),
  });
  printSamples("start, built-in modules off", spans.off, { unit: "ms" });
  printSamples("start, built-in modules on", spans.on, { unit: "ms" });
  printSamples("start, on ÷ off", ratiosOf(spans.on, spans.off), { unit: "×", digits: 2 });
  for (const folder of [on, off]) Deno.removeSync(folder, { recursive: true });
}

/** A file that keeps its thread busy until it is ended for that. */
const LOOPING = fileOf(
  { name: "loops" },
  `registerRoutes(router) { router.route("POST", "/", () => { while (true); }); },`,
);

/** Milliseconds until a text is acknowledged, alone and while a module loops: the medians of one round. */
async function roundTrips(test: TwoNodes): Promise<{ alone: number; beside: number }> {
  await test.load(LOOPING);
  const alone: number[] = [];
  for (let one = 0; one < BATCH; one++) alone.push(await test.exchange());
  const asked = test.alice.admin.request("POST", "/m/loops/").then((answer) =>
    answer.body?.cancel()
  );
  const beside = await test.exchangeUntil(test.whyEnded("loops"), 0);
  await asked;
  await test.unload("loops");
  return { alone: spreadOf(alone).median, beside: spreadOf(beside).median };
}

async function measureRoundTrips(settings: Settings): Promise<void> {
  await using test = await TwoNodes.start();
  const rounds: { alone: number; beside: number }[] = [];
  for (let round = 0; round < settings.rounds; round++) rounds.push(await roundTrips(test));
  const [alone, beside] = [rounds.map((one) => one.alone), rounds.map((one) => one.beside)];
  printSamples("a text acknowledged, no module busy", alone, { unit: "ms", digits: 1 });
  printSamples("a text acknowledged, while a module loops", beside, { unit: "ms", digits: 1 });
  printAim("while a module loops ÷ none busy", ratiosOf(beside, alone), {
    unit: "×",
    digits: 2,
    aim: { atMost: 2 },
  });
}

async function run(settings: Settings): Promise<void> {
  printTitle("modules", `calls with ${BODY_BYTES} bytes, one after the other`);
  const crypto = await LocalCryptoCore.create();
  const modules = [builtInOf(insideModule())];
  const node = await startBenchNode({
    crypto,
    apiUrl: "http://127.0.0.1:1",
    folder: null,
    modules,
  });
  await load(node, "new");
  await measureCalls(node, settings);
  await measureLoading(node, settings);
  await node.stop();
  await crypto.stop();
  await measureStart(settings);
  await measureRoundTrips(settings);
  printNote("a route is answered without a socket, and passes the owner's token and the router");
}

/** Modules from files beside built-in ones. */
export const modules: Benchmark = { name: "modules", run };
