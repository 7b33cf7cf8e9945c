import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ListenerThreads, type ThreadsOptions } from "../../central_threads.ts";
import { createSystemHttpClient } from "../../ports/system.ts";
import { readCertificate, type ServerCertificate } from "../../ports/system_tls.ts";
import { CertificateInUse } from "../../process/certificate_in_use.ts";
import { readAuthorities } from "../../process/certificates.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { serveLoopback } from "../ports/loopback_server.ts";
import { freePort } from "../world/free_port.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { until } from "../world/until.ts";
import { runCentral, startCentral } from "./central_process.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { FakeNetwork, FakeNode } from "./fake_nodes.ts";
import { TestDirectory } from "./test_directory.ts";

const TLS = new URL("../process/tls/", import.meta.url).pathname;

function certificateOf(name: string): ServerCertificate {
  return readCertificate({
    certificate: Deno.readTextFileSync(`${TLS}${name}.pem`),
    key: Deno.readTextFileSync(`${TLS}${name}-key.pem`),
  });
}

/** A thread beside a directory; the directory itself listens nowhere. */
async function startThread(
  test: TestDirectory,
  more: Partial<ThreadsOptions> = {},
): Promise<{ threads: ListenerThreads; port: number; log: MemoryLog }> {
  const port = freePort();
  const log = new MemoryLog();
  const threads = await ListenerThreads.start({
    hostname: "127.0.0.1",
    port,
    threads: 2,
    certificate: null,
    log,
    desk: test.directory.threadDesk(),
    answer: (request, address) => test.directory.handle(request, { address }),
    ...more,
  });
  return { threads, port, log };
}

Deno.test("A thread that listens answers every call of a directory as the directory itself", async () => {
  await using test = await TestDirectory.start({ limits: { addressPerMinute: 40 } });
  const { threads, port, log } = await startThread(test);
  const base = `http://127.0.0.1:${port}`;
  const node = test.node(1);
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(base + path, init);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const body = JSON.stringify({ record: node.record() });
  const registered = await ask("/api/v3/nodes/register", { method: "POST", body });
  assertEquals(registered.status, 201, registered.text);
  const found = await ask(`/api/v3/nodes/${node.id}`);
  assertEquals(JSON.parse(found.text).record, JSON.parse(body).record);
  assertEquals((await ask("/api/v3/health")).status, 200);
  assertEquals((await ask("/nowhere")).status, 404);
  assertEquals((await ask("/api/v3/health", { method: "HEAD" })).status, 200);
  assertEquals((await ask("/api/v3/health", { method: "OPTIONS" })).headers.has("allow"), true);
  const chunks = ReadableStream.from([body]).pipeThrough(new TextEncoderStream());
  const again = await ask("/api/v3/nodes/register", { method: "POST", body: chunks });
  assertEquals(again.status, 201, again.text);
  const long = { method: "POST", body: "x".repeat(20_000) };
  const large = await ask("/api/v3/nodes/register", long);
  assertEquals([large.status, JSON.parse(large.text).code], [413, "too_large"]);
  assertEquals((await ask("/nowhere", long)).status, 404);
  assertEquals((await ask("/api/v3/health", long)).status, 405);
  const statuses: number[] = [];
  while (statuses.length < 40) statuses.push((await ask(`/api/v3/nodes/${node.id}`)).status);
  assertEquals(new Set(statuses), new Set([200, 429]));
  await until(() => log.entries.some(({ event }) => event === "limit_reached"), "told of a limit");
  assertEquals(threads.connections, 0);
  assertStringIncludes(
    (await test.ask("GET", "/metrics", { address: "192.0.2.9" })).body,
    'openred_refusals_total{code="rate_limited"}',
  );
  assert(threads.connections > 0);
  await threads.shutdown(0);
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("A thread serves TLS, and from then on the certificate that takes another's place", async () => {
  await using test = await TestDirectory.start();
  using certificate = new CertificateInUse(certificateOf("past"));
  const { threads, port } = await startThread(test, { certificate });
  const http = createSystemHttpClient({ authorities: readAuthorities(`${TLS}authority.pem`) });
  const status = async () => {
    const request = { method: "GET", url: `https://localhost:${port}/api/v3/health`, headers: {} };
    const limits = { timeoutMs: 60_000, maxAnswerBytes: 10_000 };
    return (await http.request({ ...request, ...limits } as never)).status;
  };
  // A client that had connected would resume its session, and look at no certificate.
  await assertRejects(status);
  certificate.serve(certificateOf("first"));
  await until(() => status().then((code) => code === 200, () => false), "the one that is good");
  await threads.shutdown(0);
});

Deno.test("A thread that fails is told of, at its start and later", async () => {
  await using test = await TestDirectory.start();
  const program = (name: string) => new URL(name, import.meta.url);
  await assertRejects(() => startThread(test, { program: program("nothing.ts") }), Error);
  const { threads } = await startThread(test, { program: program("../world/dying_thread.ts") });
  const metrics = test.get("/metrics");
  await assertRejects(() => threads.ended, Error, "It has failed");
  assertEquals((await metrics).status, 500);
});

Deno.test("central.ts with threads shows what it has acknowledged on each connection, and shares its port with no other", async () => {
  using data = makeTemporaryDirectory();
  const clock = new FakeClock(Date.now());
  const node = new FakeNode(1, { clock, network: new FakeNetwork() });
  await using server = serveLoopback((request) => {
    const { searchParams } = new URL(request.url);
    return Response.json({ record: node.record(), identity: node.statement(searchParams) });
  });
  const iat = Math.floor(Date.now() / 1000);
  node.identityChanges = { api_url: server.url, iat };
  const central = await startCentral(data.path, { args: ["--allow-private", "--threads", "3"] });
  const clients = Array.from({ length: 12 }, () => Deno.createHttpClient({}));
  let seq = Date.now() - 1_000;
  for (let round = 0; round < 3; round++) {
    const record = node.record({ seq: ++seq, api_url: server.url });
    const answer = await fetch(`${central.url}/api/v3/nodes/register`, {
      method: "POST",
      body: JSON.stringify({ record }),
      client: clients[round]!,
    });
    assertEquals(answer.status, 201, await answer.text());
    const shown = await Promise.all(clients.map(async (client) => {
      const found = await fetch(`${central.url}/api/v3/nodes/${node.id}`, { client });
      return (await found.json()).record;
    }));
    assertEquals(new Set(shown), new Set([record]));
  }
  for (const client of clients) client.close();
  using other = makeTemporaryDirectory();
  const { host } = new URL(central.url);
  const second = await runCentral(
    ["run", "--listen", host, "--data", other.path, "--threads", "2"],
  );
  assertEquals(second.code, 1);
  assertStringIncludes(second.err, "another program uses it");
  const { code, err } = await central.end("SIGTERM");
  assertEquals(code, 0, err);
});
