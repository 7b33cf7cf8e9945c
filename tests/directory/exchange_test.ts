import { assert, assertEquals } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { Counters } from "../../directory/counters.ts";
import { Exchange } from "../../directory/exchange.ts";
import { parsePeers } from "../../directory/peer_list.ts";
import { showDirectoryKey } from "../../protocol/directory_key.ts";
import { secretId } from "../../protocol/shown_secret.ts";
import type { HttpAnswer, HttpClient } from "../../ports/ports.ts";
import { systemRandom } from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { testIdentity } from "../protocol/signer.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { CHEAP_COST } from "../world/cores.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { until } from "../world/until.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { START_MS, TestDirectory, type TestOptions } from "./test_directory.ts";

const URLS = ["https://one.example", "https://two.example"] as const;
/** Where a request of the other directory comes from. */
const ADDRESS = "198.51.100.1";

/** Two directories that know of each other, on one clock. */
async function twoDirectories(options: TestOptions = {}) {
  const clock = new FakeClock(START_MS);
  const files = [new MemoryFiles(), new MemoryFiles()];
  // Their ids are known once their keys are there.
  const ids: NodeId[] = [];
  for (const at of [0, 1]) {
    await using first = await TestDirectory.start({ clock, files: files[at]! });
    ids.push(first.directory.id);
  }
  const start = (at: 0 | 1) => {
    const other = 1 - at;
    const peers = [{ url: URLS[other]!, id: ids[other]! }];
    return TestDirectory.start({
      ...options,
      clock,
      files: files[at]!,
      config: { ...options.config, url: URLS[at]!, peers },
    });
  };
  const directories = [await start(0), await start(1)] as const;
  const passed = [0, 0];
  const isAway = [false, false];
  for (const at of [0, 1] as const) {
    directories[1 - at]!.network.serve(URLS[at]!, async (request): Promise<HttpAnswer> => {
      if (isAway[at]) throw new OpenRedError("unreachable", "Away");
      passed[at]! += 1;
      const { url, method, body, headers } = request;
      const asked = new Request(url, { method, body: body!, headers: { ...headers } });
      const answer = await directories[at]!.directory.handle(asked, { address: ADDRESS });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return { status: answer.status, headers: answer.headers, body: bytes };
    });
  }
  const has = (at: 0 | 1, id: NodeId) => async () =>
    (await directories[at].get(`/api/v3/nodes/${id}`)).status === 200;
  return {
    clock,
    directories,
    passed,
    isAway,
    has,
    async [Symbol.asyncDispose]() {
      for (const directory of directories) await directory.stop();
    },
  };
}

/** A node that both directories can call. */
function nodeOfBoth([one, two]: readonly [TestDirectory, TestDirectory], seed: number) {
  const node = one.node(seed);
  two.network.serve(node.apiUrl, (request) => one.network.request(request));
  return node;
}

Deno.test("What is registered at one directory is found at the other, and goes round once", async () => {
  await using world = await twoDirectories();
  const { directories, passed, has } = world;
  const node = nodeOfBoth(directories, 1);
  assertEquals((await directories[0].registerNew(node)).status, 201);
  await until(has(1, node.id), "the other directory has it");
  await until(() => passed[0] === 1, "it came back once");
  assertEquals(passed, [1, 1]);
  const metrics = (await directories[1].get("/metrics")).body as string;
  assert(metrics.includes('openred_registrations_total{outcome="stored"} 1'));
  world.clock.advance(1_000);
  assertEquals((await directories[1].register(node.gone())).status, 201);
  const isGone = async () =>
    (await directories[0].get(`/api/v3/nodes/${node.id}`)).body.status === "gone";
  await until(isGone, "that it withdrew is passed on too");
});

Deno.test("What is in no list is not passed on, but that it left them is", async () => {
  await using world = await twoDirectories();
  const { directories, passed, has } = world;
  const [hidden, shown] = [1, 2].map((seed) => nodeOfBoth(directories, seed)) as [
    FakeNode,
    FakeNode,
  ];
  assertEquals((await directories[0].registerNew(hidden, { unlisted: true })).status, 201);
  assertEquals((await directories[0].registerNew(shown)).status, 201);
  await until(has(1, shown.id), "the other directory has what is listed");
  await until(() => passed[0] === 1, "it came back once");
  assertEquals((await directories[0].registerNew(shown, { unlisted: true })).status, 201);
  const listed = async () => {
    world.clock.advance(1_000);
    return (await directories[1].get("/api/v3/nodes/discover")).body.nodes.length;
  };
  await until(async () => await listed() === 0, "it is unlisted there");
  assertEquals(await has(1, hidden.id)(), false);
});

Deno.test("A directory takes what another passes on by all checks of a registration", async () => {
  await using world = await twoDirectories({ limits: { idsPerHost: 1 } });
  const { directories, has } = world;
  const unreachable = directories[0].node(2);
  assertEquals((await directories[0].registerNew(unreachable)).status, 201);
  const counted = async () =>
    ((await directories[0].get("/metrics")).body as string).includes('result="refused"} 1');
  await until(counted, "it is refused there");
  assertEquals(await has(1, unreachable.id)(), false, "its URL did not answer the other one");
});

Deno.test("A directory that is away gets the newest record of each node when it is back", async () => {
  await using world = await twoDirectories();
  const { directories, passed, isAway, has, clock } = world;
  isAway[1] = true;
  const node = nodeOfBoth(directories, 3);
  for (let count = 0; count < 3; count++) {
    assertEquals((await directories[0].registerNew(node)).status, 201);
  }
  await until(() => directories[0].logged.includes("peer_away"), "it is said");
  assertEquals(directories[0].logged.filter((event) => event === "peer_away").length, 1);
  isAway[1] = false;
  await until(() => {
    clock.advance(60_000);
    return has(1, node.id)();
  }, "the other directory has it");
  assertEquals(passed[1], 1);
});

Deno.test("What waits for a directory that gives no answer is bounded, and without a list nothing is passed on", async () => {
  const crypto = await LocalCryptoCore.create();
  const secret = () => encodeUtf8("a secret of this test");
  const { sealed } = await crypto.createKeystore({ secret: secret(), cost: CHEAP_COST });
  const keys = await crypto.openKeystore({ sealed, secret: secret() });
  let underWay = 0;
  const request: HttpClient["request"] = ({ signal }) => {
    underWay += 1;
    return new Promise((_resolve, reject) => {
      const gone = () => reject(new OpenRedError("unreachable", "Away"));
      signal!.addEventListener("abort", gone, { once: true });
    });
  };
  const metrics = new Counters();
  const parts = {
    clock: new FakeClock(START_MS),
    crypto,
    http: { request },
    log: new MemoryLog(),
    random: systemRandom,
    metrics,
    own: { id: keys.nodeId as NodeId, keys },
  };
  const exchange = new Exchange(parts, [{ url: URLS[1], id: testIdentity(1).id }]);
  const none = new Exchange(parts, []);
  const count = 10_250;
  for (let at = 0; at < count; at++) {
    const passed = { id: `z${at}` as NodeId, record: "a.b.c" };
    exchange.passOn(passed);
    none.passOn(passed);
  }
  await until(() => underWay === 4, "calls");
  const { value } = metrics.counter("openred_passed_on_total", { result: "left_out" });
  assertEquals([underWay, value], [4, 246]);
  await exchange.stop();
  await none.stop();
});

Deno.test("Only a directory of the list, by its proof, is free of the limit of new ids", async () => {
  await using world = await twoDirectories({ limits: { newIdsPerAddress: 1 } });
  const { directories, has } = world;
  for (const seed of [4, 5, 6]) {
    const node = nodeOfBoth(directories, seed);
    const registered = await directories[0].register(
      node.record({ seq: world.clock.nowMs() + seed }),
      {},
      `192.0.2.${seed}`,
    );
    assertEquals(registered.status, 201);
    await until(has(1, node.id), "the other directory has it");
  }
  const [first, second] = [7, 8].map((seed) => nodeOfBoth(directories, seed));
  const send = (record: string) => {
    const body = JSON.stringify({ record });
    // A proof of somebody else changes nothing.
    const proof = directories[1].proof(first!, body);
    const headers = { "OpenRed-Proof": proof };
    return directories[1].ask("POST", "/api/v3/nodes/register", {
      body,
      headers,
      address: "203.0.113.9",
    });
  };
  assertEquals((await send(first!.record())).status, 201);
  assertEquals((await send(second!.record())).status, 429);
});

Deno.test("parsePeers() takes URLs with ids only", () => {
  const { id } = testIdentity(1);
  const peer = { url: "https://a.example", id };
  assertEquals(parsePeers(`https://a.example#${id}`), [peer]);
  assertEquals(parsePeers(`https://a.example#${id}, https://a.example#${id}`), [peer, peer]);
  for (const wrong of ["", "https://a.example", `#${id}`, `https://a.example/#${id}`, "x#y"]) {
    assertEquals(parsePeers(wrong), null, wrong);
  }
});

Deno.test("Directories of invited nodes take each other's without a key, and no others", async () => {
  await using world = await twoDirectories({ config: { inviteOnly: true } });
  const { directories, has } = world;
  const [node, stranger] = [nodeOfBoth(directories, 1), nodeOfBoth(directories, 2)];
  const secret = new Uint8Array(16).fill(4);
  const keyId = await secretId(secret);
  const times = { madeAt: world.clock.nowMs(), expiresAt: null };
  await directories[0].store.addKey({ keyId, secret, ...times, uses: 1, note: "" });
  const key = await showDirectoryKey(secret, node.id);
  assertEquals((await directories[0].register(node.record(), { key })).status, 201);
  await until(has(1, node.id), "the other directory has it");
  for (const directory of directories) {
    assertEquals((await directory.register(stranger.record())).body.code, "key_required");
  }
});
