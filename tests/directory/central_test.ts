import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { serveLoopback } from "../ports/loopback_server.ts";
import { runCentral, startCentral } from "./central_process.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { FakeNetwork, FakeNode } from "./fake_nodes.ts";

const NO_LIMITS = [
  "address-per-minute",
  "identity-per-minute",
  "host-in-flight",
  "host-per-minute",
  "ids-per-host",
  "new-ids-per-address",
]
  .flatMap((name) => [`--${name}`, "0"]);

/** Nodes whose records say one loopback server, each below a path of its own. */
function nodesAt(base: string, seeds: readonly number[]): FakeNode[] {
  const clock = new FakeClock(Date.now());
  return seeds.map((seed) => {
    const node = new FakeNode(seed, { clock, network: new FakeNetwork() });
    node.identityChanges = { api_url: `${base}/${seed}`, iat: Math.floor(Date.now() / 1000) };
    return node;
  });
}

Deno.test("central.ts refuses wrong options with exit code 2 and says what is expected", async () => {
  const wrong: [string[], RegExp][] = [
    [["run", "--listen", "nowhere"], /host:port/],
    [["run", "--listen", "127.0.0.1:70000"], /host:port/],
    [["run", "--listen", "0.0.0.0:0"], /needs --url/],
    [["run", "--url", "http://x.example/"], /slash/],
    [["run", "--url", "x"], /Expected a URL/],
    [["run", "--lease-ms", "-5"], /whole number|argument/],
    [["run", "--lease-ms", "1e9"], /whole number/],
    [["run", "--rotation", "weekly"], /hourly/],
    [["run", "--rotation", "seeded"], /--network-seed-file/],
    [
      ["run", "--listen", "127.0.0.1:0", "--rotation", "seeded", "--network-seed-file", "/nowhere"],
      /network-seed-file/,
    ],
    [["run", "--log-level", "loud"], /debug/],
    [["run", "--data", ""], /path/],
    [["run", "--trusted-proxies", "0.0.0.0/0"], /addresses or networks/],
    [["run", "--threads", "0"], /from 1 to 16/],
    [["run", "--threads", "2", "--relay"], /openred-central relay/],
    [
      ["run", "--threads", "2", "--store", "redis://127.0.0.1:1", "--store-key-file", "x"],
      /SQLite/,
    ],
    [["run", "--nonsense"], /unknown option/],
    [["run", "extra"], /too many arguments/],
    [["walk"], /unknown command/],
    [[], /run/],
  ];
  using data = makeTemporaryDirectory();
  const results = await Promise.all(wrong.map(async ([args, expected]) => {
    const { code, out, err } = await runCentral(args, { OPENRED_DATA: data.path });
    return { args, code, out, err, expected };
  }));
  for (const { args, code, out, err, expected } of results) {
    assertEquals([args, code], [args, 2], err);
    assertMatch(err, expected);
    assert(!/^\s+at /m.test(err) && out === "", err);
  }
});

Deno.test("central.ts says its version, its licences and its options", async () => {
  const { code, out } = await runCentral(["--version"]);
  assertEquals(code, 0);
  assertMatch(out, /^\d+\.\d+\.\d+\S*\nrun from its sources, Deno \S+, \S+\n$/);
  const licenses = await runCentral(["--licenses"]);
  assertEquals([licenses.code, licenses.err], [0, ""]);
  assertMatch(licenses.out, /^This runs from its sources/);
  const help = await runCentral(["run", "--help"]);
  assertEquals(help.code, 0);
  for (const option of ["--listen", "--url", "--data", "--allow-private", "OPENRED_LISTEN"]) {
    assertStringIncludes(help.out, option);
  }
});

Deno.test("central.ts takes options from the environment, and a flag wins over it", async () => {
  using data = makeTemporaryDirectory();
  const wrong = await runCentral(["run"], { OPENRED_LEASE_MS: "soon", OPENRED_DATA: data.path });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.err, "OPENRED_LEASE_MS");
  const env = { OPENRED_LEASE_MS: "soon", OPENRED_URL: "https://named.example" };
  const central = await startCentral(data.path, { args: ["--lease-ms", "5000"], env });
  assertEquals(central.url, "https://named.example");
  await central.end("SIGTERM");
});

Deno.test("central.ts keeps its id, holds its data directory alone and ends cleanly", async () => {
  using data = makeTemporaryDirectory();
  const central = await startCentral(data.path);
  const health = await (await fetch(`${central.url}/api/v3/health`)).json();
  assertEquals(health.directory_id, central.id);
  const second = await runCentral(["run", "--listen", "127.0.0.1:0", "--data", data.path]);
  assertEquals(second.code, 1);
  assertStringIncludes(second.err, "is using it");
  assertEquals((await central.end("SIGTERM")).code, 0);
  for await (const { name } of Deno.readDir(data.path)) {
    const { mode } = await Deno.stat(`${data.path}/${name}`);
    assertEquals([name, (mode ?? 0) & 0o777], [name, 0o600]);
  }
  const again = await startCentral(data.path);
  assertEquals(again.id, central.id);
  assertEquals((await again.end("SIGINT")).code, 0);
});

Deno.test("central.ts says what is wrong with a keystore that does not open", async () => {
  using data = makeTemporaryDirectory();
  await (await startCentral(data.path)).end("SIGTERM");
  await Deno.writeFile(`${data.path}/keystore`, new Uint8Array(100));
  const { code, err } = await runCentral(["run", "--listen", "127.0.0.1:0", "--data", data.path]);
  assertEquals(code, 1);
  assertMatch(err, /^error: Cannot start the directory/m);
  assert(!/^\s+at /m.test(err), err);
});

Deno.test("central.ts ends a registration under way before it stops", async () => {
  using data = makeTemporaryDirectory();
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const nodes: FakeNode[] = [];
  await using server = serveLoopback(async (request) => {
    called.resolve();
    await gate.promise;
    const { searchParams } = new URL(request.url);
    return Response.json({
      record: nodes[0]!.record(),
      identity: nodes[0]!.statement(searchParams),
    });
  });
  nodes.push(...nodesAt(server.url, [1]));
  const central = await startCentral(data.path, { args: ["--allow-private"] });
  const record = nodes[0]!.record({ api_url: `${server.url}/1` });
  const waiting = fetch(`${central.url}/api/v3/nodes/register`, {
    method: "POST",
    body: JSON.stringify({ record }),
  });
  await called.promise;
  const ended = central.end("SIGTERM");
  gate.resolve();
  const answer = await waiting;
  assertEquals(answer.status, 201);
  await answer.body?.cancel();
  assertEquals((await ended).code, 0);
});

/** On a busy machine some calls of the directory take too long; one that takes nothing refuses far more. */
const MOST_REFUSED = 400;

Deno.test("Nothing acknowledged is lost when central.ts is killed in the middle", async () => {
  using data = makeTemporaryDirectory();
  const nodes: FakeNode[] = [];
  await using server = serveLoopback((request) => {
    const { pathname, searchParams } = new URL(request.url);
    const node = nodes[Number(pathname.split("/")[1]) - 1]!;
    return Response.json({ record: node.record(), identity: node.statement(searchParams) });
  });
  // No more at once, or none of them is asked back in time where the processors have much other work.
  const seeds = Array.from({ length: 8 }, (_, at) => at + 1);
  nodes.push(...nodesAt(server.url, seeds));
  const acknowledged = new Map<string, number>();
  let seq = Date.now() - 60_000;
  // Killed by what it has done, not by time: how long that takes depends on the machine.
  for (const taken of [1, 60, 150]) {
    const central = await startCentral(data.path, { args: ["--allow-private", ...NO_LIMITS] });
    let isRunning = true;
    let left = taken;
    let refused = 0;
    const enough = Promise.withResolvers<void>();
    const announce = async (node: FakeNode, seed: number) => {
      while (isRunning) {
        const mine = ++seq;
        const record = node.record({ seq: mine, api_url: `${server.url}/${seed}` });
        const body = JSON.stringify({ record });
        const url = `${central.url}/api/v3/nodes/register`;
        const answer = await fetch(url, { method: "POST", body }).catch(() => null);
        const status = answer?.status;
        await answer?.body?.cancel().catch(() => {});
        if (status === 201) {
          acknowledged.set(node.id, mine);
          if (--left === 0) enough.resolve();
        } else if (isRunning && ++refused > MOST_REFUSED) {
          enough.reject(new Error(`status ${status}`));
        }
      }
    };
    const work = nodes.map((node, at) => announce(node, at + 1));
    await enough.promise.finally(() => isRunning = false);
    await Promise.all([central.end("SIGKILL"), ...work]);
    const reopened = await startCentral(data.path, { args: ["--allow-private", ...NO_LIMITS] });
    for (const [id, mine] of acknowledged) {
      const { record } = await (await fetch(`${reopened.url}/api/v3/nodes/${id}`)).json();
      assert(JSON.parse(atob(record.split(".")[1])).seq >= mine);
    }
    await reopened.end("SIGKILL");
  }
  assert(acknowledged.size > 1);
});
