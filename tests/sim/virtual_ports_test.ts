import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { CryptoError, METHOD_BLOCK_MS, type MethodBlock } from "../../crypto/interface.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { permuteSample } from "../contract/sample_methods.ts";
import { EventLoop } from "./event_loop.ts";
import { bootProcess, crashHost, createHost } from "./machine.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { createSimulatedCore } from "./simulated_core.ts";
import { Trace } from "./trace.ts";
import { upgraderFor } from "./virtual_channel.ts";
import { VirtualNetwork } from "./virtual_network.ts";
import { ProcessDied, type VirtualHost } from "./virtual_process.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | null) => new TextDecoder().decode(data ?? new Uint8Array());

function makeWorld(seed: string) {
  const loop = new EventLoop();
  const trace = new Trace(loop);
  const network = new VirtualNetwork({ loop, random: new SeededRandom(seed), trace });
  const hosts = ["one", "two"].map((name, index) =>
    createHost(network, { name, origin: `http://8.1.0.${index}:7000`, address: `8.1.0.${index}` })
  ) as [VirtualHost, VirtualHost];
  const [a, b] = [bootProcess(loop, hosts[0]), bootProcess(loop, hosts[1])];
  const close = () => {
    for (const host of hosts) host.disk.close();
  };
  return { loop, trace, network, a, b, hosts, close };
}

const CALL = { method: "POST", timeoutMs: 5_000, maxAnswerBytes: 1_000 } as const;

async function makeNoise(seed: string): Promise<{ digest: string; served: number }> {
  const { loop, trace, network, a, b, close } = makeWorld(seed);
  network.faults = {
    leastLatencyMs: 1,
    mostLatencyMs: 300,
    delayRate: 0.1,
    lossRate: 0.2,
    duplicateRate: 0.2,
  };
  let served = 0;
  b.handler = async (request) => {
    served++;
    return new Response(`${await request.text()}!`);
  };
  const client = network.clientFor(a);
  const outcomes = Array.from({ length: 50 }, async (_, index) => {
    await loop.sleep(index * 10);
    const url = "http://8.1.0.1:7000/echo";
    const answer = await client.request({ ...CALL, url, body: bytes(`${index}`) }).catch(() =>
      null
    );
    trace.add("one", `heard ${text(answer?.body ?? null)}`);
  });
  await loop.complete(Promise.all(outcomes), 60_000);
  close();
  return { digest: trace.digest(), served };
}

Deno.test("a simulated core waits for a module's method in virtual time", async () => {
  const { loop, trace, a, close } = makeWorld("methods");
  const process = a;
  const random = new SeededRandom("methods");
  const core = await createSimulatedCore({ loop, process, random, trace });
  const slowly = async (block: MethodBlock) => {
    await loop.sleep(100);
    return permuteSample(block);
  };
  const method = { name: "spiral_4", clock: a.clock };
  await loop.complete(core.addMethod({ ...method, permute: slowly }), 60_000);
  assertEquals(loop.nowMs, 64 * 2 * 2 * 100);
  const hanging = core.addMethod({ ...method, permute: () => new Promise<Uint8Array>(() => {}) });
  const refused = assertRejects(() => hanging, CryptoError);
  assertEquals((await loop.complete(refused, 60_000)).code, "method_failed");
  assertEquals(loop.nowMs, 64 * 2 * 2 * 100 + METHOD_BLOCK_MS);
  await core.stop();
  close();
});

Deno.test("the virtual network does the same again for the same seed", async () => {
  const [first, again, other] = [await makeNoise("a"), await makeNoise("a"), await makeNoise("b")];
  assertEquals(first, again);
  assertNotEquals(first.digest, other.digest);
  assert(first.served > 30 && first.served < 80, `${first.served} of 50 were served`);
});

Deno.test("the virtual network refuses for a host that is down, and times out over a cut link", async () => {
  const { loop, network, a, b, close } = makeWorld("down");
  const client = network.clientFor(a);
  const call = () => client.request({ ...CALL, url: "http://8.1.0.1:7000/" });
  await assertRejects(() => loop.complete(call(), 1_000), OpenRedError, "refused");
  b.handler = () => Promise.resolve(new Response("here"));
  assertEquals(text((await loop.complete(call(), 1_000)).body), "here");
  network.cut("one", "two");
  await assertRejects(() => loop.complete(call(), 9_000), OpenRedError, "time-out");
  close();
});

Deno.test("a virtual channel keeps its order, and breaks when its link is cut", async () => {
  const { loop, network, a, b, close } = makeWorld("channel");
  network.faults = { ...network.faults, mostLatencyMs: 400, delayRate: 0.3 };
  const heard: string[] = [];
  let closed = 0;
  b.handler = (request) => {
    const { response, channel } = upgraderFor(network, b).upgrade(request);
    channel.listen({
      message: (data) => void heard.push(text(data)),
      close: (code) => closed = code,
    });
    return Promise.resolve(response);
  };
  const opening = network.clientFor(a).openChannel({
    url: "ws://8.1.0.1:7000/p2p/channel",
    timeoutMs: 60_000,
  });
  const channel = await loop.complete(opening, 60_000);
  const sent = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const item of sent) channel.send(bytes(item));
  await loop.runFor(60_000);
  assertEquals(heard, sent);
  network.cut("one", "two");
  channel.send(bytes("lost"));
  await loop.runFor(60_000);
  assertEquals([heard.length, closed], [20, 1006]);
  close();
});

Deno.test("a process that is dead does nothing any more, and its disk stays", async () => {
  const { loop, a, hosts, close } = makeWorld("crash");
  const files = hosts[0].disk.filesFor(a);
  await loop.complete(files.write("kept", bytes("old")), 100);
  const database = hosts[0].disk.openDatabaseFor(a)("node.db");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v BLOB) STRICT");
  database.prepare("INSERT INTO t (v) VALUES (?)").run(bytes("durable"));
  database.exec("BEGIN");
  database.prepare("INSERT INTO t (v) VALUES (?)").run(bytes("open transaction"));
  let fired = false;
  a.clock.setTimer(10, () => fired = true);
  files.write("kept", bytes("new")).then(() => fired = true);
  crashHost(hosts[0]);
  await loop.runFor(100);
  assertEquals(fired, false);
  assertThrows(() => database.exec("SELECT 1"), ProcessDied);
  const next = bootProcess(loop, hosts[0]);
  assert(["old", "new"].includes(text(hosts[0].disk.peek("kept"))));
  const rows = hosts[0].disk.openDatabaseFor(next)("node.db").prepare("SELECT v FROM t").all();
  assertEquals(rows.map((row) => text(row.v as Uint8Array)), ["durable"]);
  close();
});

Deno.test("a virtual disk goes back to a backup", async () => {
  const { loop, a, hosts, close } = makeWorld("backup");
  const { disk } = hosts[0];
  await loop.complete(disk.filesFor(a).write("vault", bytes("1")), 100);
  const database = disk.openDatabaseFor(a)("node.db");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v INTEGER NOT NULL) STRICT");
  database.exec("CREATE INDEX t_v ON t (v)");
  database.exec("INSERT INTO t (v) VALUES (9007199254740993), (2)");
  database.exec("DELETE FROM t WHERE v = 2");
  const copy = disk.copy();
  database.exec("INSERT INTO t (v) VALUES (3)");
  await loop.complete(disk.filesFor(a).write("vault", bytes("2")), 100);
  crashHost(hosts[0]);
  disk.restore(copy);
  const next = bootProcess(loop, hosts[0]);
  assertEquals(text(disk.peek("vault")), "1");
  const restored = disk.openDatabaseFor(next)("node.db");
  restored.exec("INSERT INTO t (v) VALUES (4)");
  const all = restored.prepare("SELECT id, CAST(v AS TEXT) AS v FROM t ORDER BY id").all();
  assertEquals(all.map(({ id, v }) => [id, v]), [[1, "9007199254740993"], [3, "4"]]);
  close();
});
