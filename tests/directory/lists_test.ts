import { assert, assertEquals } from "@std/assert";
import { statusAt } from "../../directory/leases.ts";
import { testIdentity } from "../protocol/signer.ts";
import { DAY_MS, DIRECTORY_URL, LEASE_MS, START_MS, TestDirectory } from "./test_directory.ts";
import { settle } from "../world/settle.ts";

async function statusOf(test: TestDirectory, id: string): Promise<string> {
  const { body } = await test.get(`/api/v3/nodes/${id}`);
  return body.status === 404 ? body.code : body.status;
}

Deno.test("A node is active, stale, dormant and forgotten by the age of its lease", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  const query = "/api/v3/nodes/discover?status=";
  const listed = async (status: string) => (await test.get(query + status)).body.nodes.length;
  const all = async () => [await listed("active"), await listed("stale"), await listed("dormant")];
  test.clock.advance(LEASE_MS);
  assertEquals([await statusOf(test, node.id), await all()], ["active", [1, 0, 0]]);
  test.clock.advance(1);
  assertEquals(await statusOf(test, node.id), "stale");
  test.clock.advance(1_000);
  assertEquals(await all(), [0, 1, 0]);
  test.clock.advance(30 * DAY_MS - 1_001);
  assertEquals(await statusOf(test, node.id), "stale");
  test.clock.advance(1);
  assertEquals(await statusOf(test, node.id), "dormant");
  test.clock.advance(1_000);
  assertEquals(await all(), [0, 0, 1]);
  test.clock.advance(150 * DAY_MS - 1_001);
  assertEquals(await statusOf(test, node.id), "dormant");
  test.clock.advance(1);
  assertEquals(await statusOf(test, node.id), "dormant", "until it is swept");
  await settle();
  test.clock.advance(60_000);
  await settle();
  assertEquals(await statusOf(test, node.id), "node_unknown");
  assertEquals((await test.get("/api/v3/health")).body.nodes, 0);
});

Deno.test("Metrics and health tell nodes by status, as of the last minute", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  await test.register(a.record());
  const counts = async () => {
    const { body } = await test.get("/metrics");
    return [...body.matchAll(/openred_nodes\{status="\w+"\} (\d+)/g)].map(([, n]) => Number(n));
  };
  assertEquals(await counts(), [1, 0, 0]);
  test.clock.advance(LEASE_MS + 60_000);
  await settle();
  await test.register(b.record());
  assertEquals(await counts(), [1, 1, 0]);
  test.clock.advance(30 * DAY_MS);
  await settle();
  assertEquals(await counts(), [0, 1, 1]);
  assertEquals((await test.get("/api/v3/health")).body.nodes, 2);
});

Deno.test("statusAt() keeps gone for as long as the rest", () => {
  const gone = { gone: true, leaseEndAt: 0 };
  for (const days of [0, 31, 180, 1_000]) assertEquals(statusAt(gone, days * DAY_MS), "gone");
});

Deno.test("discover pages through active nodes in the order of their ids", async () => {
  await using test = await TestDirectory.start();
  const nodes = [1, 2, 3, 4, 5].map((seed) => test.node(seed));
  for (const node of nodes) await test.register(node.record());
  const expected = nodes.map(({ id }) => id as string).sort();
  const seen: string[] = [];
  let cursor: string | null = "";
  for (let pages = 0; cursor !== null; pages++) {
    assert(pages < 4);
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await test.get(`/api/v3/nodes/discover?limit=2${query}`);
    seen.push(...body.nodes.map((node: { node_id: string }) => node.node_id));
    cursor = body.next_cursor;
  }
  assertEquals(seen, expected);
  const { body } = await test.get("/api/v3/nodes/discover");
  const [first] = body.nodes;
  assertEquals(Object.keys(first), ["record", "node_id", "api_url", "last_seen", "status"]);
  assertEquals([first.last_seen, first.status, body.next_cursor], [START_MS, "active", null]);
});

Deno.test("discover answers 20 nodes unless it is told a limit", async () => {
  await using test = await TestDirectory.start();
  for (let seed = 1; seed <= 21; seed++) await test.register(test.node(seed).record());
  const count = async (query: string) => {
    const { body } = await test.get(`/api/v3/nodes/discover${query}`);
    return [body.nodes.length, body.next_cursor !== null];
  };
  assertEquals(await count(""), [20, true]);
  assertEquals(await count("?limit=21"), [21, false]);
  assertEquals(await count("?limit=100"), [21, false]);
});

Deno.test("discover never shows gone or unlisted nodes, look-ups do", async () => {
  await using test = await TestDirectory.start();
  const [hidden, gone] = [test.node(1), test.node(2)];
  await test.register(hidden.record({ unlisted: true }));
  await test.register(gone.record());
  test.clock.advance(1_000);
  await test.register(gone.gone());
  for (const query of ["", "?status=active", "?status=gone", "?status=stale"]) {
    assertEquals((await test.get(`/api/v3/nodes/discover${query}`)).body.nodes, [], query);
  }
  assertEquals(await statusOf(test, hidden.id), "active");
  assertEquals(await statusOf(test, gone.id), "gone");
  assertEquals((await test.registerNew(hidden)).status, 201);
  assertEquals((await test.get("/api/v3/nodes/discover")).body.nodes.length, 1);
});

Deno.test("discover joins filters by and, and a list is never older than a registration", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  const path = "/api/v3/nodes/discover?service=mail&alias=Ann%20B";
  assertEquals((await test.get(path)).body.nodes.length, 0);
  await test.register(a.record({ alias: "Ann B", services: ["mail", "chat"] }));
  assertEquals((await test.get(path)).body.nodes.length, 1);
  await test.register(b.record({ alias: "Ann B", services: ["chat"] }));
  assertEquals((await test.get(path)).body.nodes.length, 1);
  await test.registerNew(b, { alias: "Ann B", services: ["mail"] });
  assertEquals((await test.get(path)).body.nodes.length, 2);
});

Deno.test("discover refuses parameters that are not of their form", async () => {
  await using test = await TestDirectory.start();
  const queries = [
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=1.5",
    "limit=1e1",
    "limit=",
    "limit=x",
    "limit=5&limit=6",
    "status=lost",
    "status=",
    "service=",
    `service=${"x".repeat(65)}`,
    "service=%C3%A9",
    `alias=${"x".repeat(65)}`,
    "cursor=",
    "cursor=x",
    "cursor=%00",
    "cursor=ekFBQQ",
    `cursor=${"A".repeat(600)}`,
  ];
  for (const query of queries) {
    const { status, body } = await test.get(`/api/v3/nodes/discover?${query}`);
    assertEquals([status, body.code], [400, "bad_request"], query);
  }
  for (const query of ["", "unknown=1", "alias=%FF", "limit=1", "alias=%"]) {
    assertEquals((await test.get(`/api/v3/nodes/discover?${query}`)).status, 200, query);
  }
});

Deno.test("A look-up finds the directory itself, and says when to ask again for others", async () => {
  await using test = await TestDirectory.start();
  const own = await test.get(`/api/v3/nodes/${test.directory.id}`);
  assertEquals([own.status, own.body.node_id, own.body.api_url, own.body.status], [
    200,
    test.directory.id,
    "https://directory.example",
    "active",
  ]);
  const { status, body, headers } = await test.get(`/api/v3/nodes/${test.node(1).id}`);
  assertEquals([status, body.code, headers.get("retry-after")], [404, "node_unknown", "5"]);
});

Deno.test("a directory names the relays of its operator, and its own first", async () => {
  const other = "https://relay.example";
  const { id } = testIdentity(1);
  await using none = await TestDirectory.start();
  assertEquals((await none.get("/api/v3/relays")).body, { relays: [] });
  await using test = await TestDirectory.start({
    config: {
      relays: [other, "https://third.example", DIRECTORY_URL],
      relayIds: new Map([[other, id]]),
      isRelay: true,
    },
  });
  assertEquals((await test.get("/api/v3/relays")).body, {
    relays: [
      { url: DIRECTORY_URL, id: test.directory.own.id },
      { url: other, id },
      { url: "https://third.example" },
    ],
  });
});
