import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash, randomBytes } from "node:crypto";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { signText } from "../../protocol/signer.ts";
import { serveLoopback } from "../../ports/loopback_server.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { FakeClock } from "../../world/fake_clock.ts";
import { freePort } from "../../world/free_port.ts";
import { RedisServer, redisTest } from "../../world/redis_server.ts";
import { TcpProxy } from "../../world/tcp_proxy.ts";
import { until } from "../../world/until.ts";
import { type CentralProcess, runCentral, startCentral } from "../central_process.ts";
import { FakeNetwork, FakeNode } from "../fake_nodes.ts";

const NO_LIMITS = [
  ...["--address-per-minute", "0", "--identity-per-minute", "0"],
  ...["--host-in-flight", "0", "--host-per-minute", "0"],
];

interface Member {
  readonly central: CentralProcess;
  readonly port: number;
}

/** Processes of one directory, behind one address. */
class Directory implements AsyncDisposable {
  readonly server: RedisServer;
  readonly proxy = new TcpProxy();
  readonly members: Member[] = [];
  readonly #folder = makeTemporaryDirectory();
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #args: readonly string[];

  private constructor(server: RedisServer, args: readonly string[]) {
    this.server = server;
    this.#args = args;
    Deno.writeTextFileSync(this.keyFile, "a passphrase of this directory\n");
  }

  static async start(count: number, args: readonly string[] = NO_LIMITS): Promise<Directory> {
    const directory = new Directory(await RedisServer.start(), args);
    await Promise.all(Array.from({ length: count }, () => directory.add()));
    return directory;
  }

  get keyFile(): string {
    return `${this.#folder.path}/key`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  storeArgs(port: number): string[] {
    const listen = ["--listen", `127.0.0.1:${port}`, "--url", this.url, "--allow-private"];
    return [...listen, "--store", this.server.url, "--store-key-file", this.keyFile, ...this.#args];
  }

  async add(): Promise<Member> {
    const port = freePort();
    const data = `${this.#folder.path}/${port}`;
    const member = { central: await startCentral(data, { args: this.storeArgs(port) }), port };
    this.members.push(member);
    this.#turn();
    return member;
  }

  /** Ends one; its address has it no more. */
  async end(member: Member, signal: Deno.Signal): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    if (signal !== "SIGKILL") this.#turn();
    await member.central.end(signal);
    this.#turn();
  }

  /** Asks one process, or whichever the address leads to. */
  async ask(path: string, init: RequestInit = {}, port = this.proxy.port): Promise<Response> {
    return await fetch(`http://127.0.0.1:${port}${path}`, { ...init, client: this.#client });
  }

  register(record: string, port?: number): Promise<Response> {
    const init = { method: "POST", body: JSON.stringify({ record }) };
    return this.ask("/api/v3/nodes/register", init, port);
  }

  #turn(): void {
    this.proxy.turnNext(...this.members.map(({ port }) => port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ central }) => central.end("SIGTERM")));
    this.#client.close();
    await this.proxy[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Nodes below the paths of one loopback server, which answers callbacks and takes halves. */
function serveNodes(count: number) {
  const clock = new FakeClock(Date.now());
  const nodes: FakeNode[] = [];
  const server = serveLoopback(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const node = nodes[Number(pathname.split("/")[1]) - 1]!;
    if (request.method === "POST") {
      await request.body?.cancel();
      return Response.json({ received: true });
    }
    return Response.json({ record: node.record(), identity: node.statement(searchParams) });
  });
  for (let seed = 1; seed <= count; seed++) {
    const node = new FakeNode(seed, { clock, network: new FakeNetwork() });
    node.identityChanges = {
      api_url: `${server.url}/${seed}`,
      iat: Math.floor(Date.now() / 1000),
    };
    nodes.push(node);
  }
  const recordOf = (at: number, seq = Date.now()) =>
    nodes[at]!.record({ seq, api_url: `${server.url}/${at + 1}` });
  return { server, nodes, recordOf };
}

async function statusOf(asking: Promise<Response>): Promise<number> {
  const answer = await asking;
  await answer.body?.cancel();
  return answer.status;
}

redisTest("Four processes on one Redis are one directory", async () => {
  await using directory = await Directory.start(4);
  const { server, nodes, recordOf } = serveNodes(8);
  await using _ = server;
  const ids = new Set(directory.members.map(({ central }) => central.id));
  assertEquals(ids.size, 1, "of four that made keys at once, all took the first");
  for (let at = 0; at < nodes.length; at++) {
    assertEquals(await statusOf(directory.register(recordOf(at))), 201);
  }
  for (const { port } of directory.members) {
    for (const node of nodes) {
      assertEquals(await statusOf(directory.ask(`/api/v3/nodes/${node.id}`, {}, port)), 200);
    }
    const list = await (await directory.ask("/api/v3/nodes/discover?limit=100", {}, port)).json();
    assertEquals(list.nodes.length, nodes.length);
  }

  const body = JSON.stringify({ target: nodes[1]!.id });
  const proof = signText(nodes[0]!.identity, {
    iss: nodes[0]!.id,
    htm: "POST",
    htu: `${directory.url}/api/v3/tokens/request-connection`,
    iat: Math.floor(Date.now() / 1000),
    jti: encodeBase64Url(randomBytes(16)),
    bh: createHash("sha256").update(body).digest("base64url"),
  }, { typ: "openred-proof+jwt" });
  const uses = await Promise.all(directory.members.map(async ({ port }) => {
    const init = { method: "POST", body, headers: { "OpenRed-Proof": proof } };
    const answer = await directory.ask("/api/v3/tokens/request-connection", init, port);
    const { code = "introduced" } = await answer.json();
    return code;
  }));
  assertEquals(uses.toSorted(), ["introduced", ...Array(3).fill("proof_replayed")]);
});

redisTest("Processes on one Redis count their limits together", async () => {
  const limits = ["--address-per-minute", "60", "--identity-per-minute", "4"];
  await using directory = await Directory.start(2, [...NO_LIMITS.slice(4), ...limits]);
  const { server, recordOf } = serveNodes(1);
  await using _ = server;
  const announced = [];
  for (let at = 0; at < 6; at++) {
    const { port } = directory.members[at % 2]!;
    announced.push(await statusOf(directory.register(recordOf(0, Date.now() + at), port)));
  }
  assertEquals(announced, [201, 201, 201, 201, 429, 429]);
  const asked = [];
  for (let at = 0; at < 80; at++) {
    const { port } = directory.members[at % 2]!;
    asked.push(await statusOf(directory.ask("/api/v3/health", {}, port)));
  }
  const taken = asked.filter((status) => status === 200).length + announced.length;
  // What one process has taken from the store and not used yet, the other does without.
  assert(taken <= 60 && taken >= 57, `${taken}`);
  assertEquals(asked.at(-1), 429);
});

redisTest("A process that is killed loses nothing, and the others go on", async () => {
  await using directory = await Directory.start(3);
  const { server, nodes, recordOf } = serveNodes(6);
  await using _ = server;
  const acknowledged = new Map<string, number>();
  let seq = Date.now() - 60_000;
  let left = 60;
  const announce = async (at: number) => {
    while (left > 0) {
      const mine = ++seq;
      const answer = await directory.register(recordOf(at, mine)).catch(() => null);
      await answer?.body?.cancel().catch(() => {});
      if (answer?.status !== 201) continue;
      acknowledged.set(nodes[at]!.id, mine);
      left -= 1;
      if (left === 40) await directory.end(directory.members[0]!, "SIGKILL");
      if (left === 20) await directory.end(directory.members[0]!, "SIGKILL");
    }
  };
  await Promise.all(nodes.map((_node, at) => announce(at)));
  assertEquals(directory.members.length, 1);
  for (const [id, mine] of acknowledged) {
    const { record } = await (await directory.ask(`/api/v3/nodes/${id}`)).json();
    assert(JSON.parse(atob(record.split(".")[1])).seq >= mine);
  }
});

redisTest("Processes are replaced one after the other, and every request is answered", async () => {
  await using directory = await Directory.start(2);
  const { server, nodes, recordOf } = serveNodes(2);
  await using _ = server;
  assertEquals(await statusOf(directory.register(recordOf(0))), 201);
  const { id } = directory.members[0]!.central;
  let isOver = false;
  const statuses: number[] = [];
  const asking = (async () => {
    while (!isOver) statuses.push(await statusOf(directory.ask(`/api/v3/nodes/${nodes[0]!.id}`)));
  })();
  for (const former of [...directory.members]) {
    const next = await directory.add();
    assertEquals(next.central.id, id);
    await directory.end(former, "SIGTERM");
  }
  assertEquals(await statusOf(directory.register(recordOf(0, Date.now() + 1))), 201);
  isOver = true;
  await asking;
  assertEquals(statuses.filter((status) => status !== 200), []);
  assert(statuses.length > 10);
});

redisTest(
  "Without its Redis a process refuses with when to come back, and goes on by itself",
  async () => {
    await using directory = await Directory.start(1);
    const { server, nodes, recordOf } = serveNodes(2);
    await using _ = server;
    const [known, later] = nodes as [FakeNode, FakeNode];
    assertEquals(await statusOf(directory.register(recordOf(0))), 201);
    await directory.server.end();
    const answers = [
      await directory.ask(`/api/v3/nodes/${known.id}`),
      await directory.ask("/api/v3/nodes/discover"),
      await directory.register(recordOf(1)),
    ];
    for (const answer of answers) {
      const { code } = await answer.json();
      assertEquals([answer.status, code], [503, "overloaded"]);
      assertEquals(answer.headers.get("retry-after"), "5");
    }
    await directory.server.run();
    const isBack = async () => await statusOf(directory.ask(`/api/v3/nodes/${known.id}`)) === 200;
    await until(isBack, "it is back");
    assertEquals(await statusOf(directory.ask(`/api/v3/nodes/${later.id}`)), 404);
    assertEquals(await statusOf(directory.register(recordOf(1, Date.now() + 1))), 201);
  },
);

redisTest(
  "A process says why it does not start on a Redis, and never what is in its files",
  async () => {
    await using directory = await Directory.start(1);
    using data = makeTemporaryDirectory();
    const wrongKey = `${data.path}/wrong`;
    await Deno.writeTextFile(wrongKey, "quite another passphrase");
    const wrong: [string[], RegExp][] = [
      [["--store-key-file", wrongKey], /is not what they were sealed under/],
      [["--store", `redis://127.0.0.1:${freePort()}`], /ECONNREFUSED/],
      [["--store-password-file", wrongKey], /without any password configured/],
      [["--store-key-file", `${data.path}/nowhere`], /cannot read the file/],
      [["--store", "redis://user:quite@127.0.0.1"], /a password stands in a file/],
      [["--store", "redis://user:quite@127.0.0.1/nine"], /expected sqlite/],
      [["--store", "redis://127.0.0.1/16"], /from 0 to 15/],
      [["--store", "sqlite"], /need --store redis/],
      [["--store-ca-file", wrongKey], /needs --store rediss/],
    ];
    await Promise.all(wrong.map(async ([more, expected], at) => {
      const args = ["run", ...directory.storeArgs(0), "--data", `${data.path}/${at}`, ...more];
      const { code, err } = await runCentral(args);
      assertMatch(err, expected);
      assert(code === 1 || code === 2);
      assert(!/quite|another passphrase|^\s+at /m.test(err), err);
    }));
  },
);
