import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { DAY_MS, LEASE_MS, TestDirectory } from "./test_directory.ts";

async function lookUp(test: TestDirectory, id: string): Promise<unknown[]> {
  const { status, body, headers } = await test.get(`/api/v3/nodes/${id}`);
  return [status, body.code ?? body.status, headers.get("retry-after")];
}

const UNKNOWN = [404, "node_unknown", "5"];

Deno.test("A look-up tells the newest record, and what its lease is at the moment", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  assertEquals(await lookUp(test, node.id), UNKNOWN);
  await test.registerNew(node);
  const first = (await test.get(`/api/v3/nodes/${node.id}`)).body;
  assertEquals(first, (await test.get(`/api/v3/nodes/${node.id}`)).body);
  await test.registerNew(node, { alias: "b" });
  const second = (await test.get(`/api/v3/nodes/${node.id}`)).body;
  assertEquals([second.status, second.record === first.record], ["active", false]);
  test.clock.step(LEASE_MS + 1);
  assertEquals(await lookUp(test, node.id), [200, "stale", null]);
  test.clock.step(31 * DAY_MS);
  assertEquals(await lookUp(test, node.id), [200, "dormant", null]);
  await test.registerNew(node);
  assertEquals(await lookUp(test, node.id), [200, "active", null]);
});

Deno.test("An id is known from its registration on, and unknown once it is forgotten", async () => {
  await using test = await TestDirectory.start();
  const [node, other] = [test.node(1), test.node(2)];
  await test.registerNew(node);
  for (let repeat = 0; repeat < 2; repeat++) {
    assertEquals(await lookUp(test, other.id), UNKNOWN);
    assertEquals(await lookUp(test, "z6Mk"), [400, "bad_request", null]);
  }
  const nowMs = test.clock.nowMs();
  const countsAt = { activeAfter: nowMs, recentAfter: nowMs };
  const leasesBefore = nowMs + 2 * LEASE_MS;
  await test.store.sweep({ nowMs, proofsBefore: 0, leasesBefore, latestLeaseEnd: null, countsAt });
  await test.registerNew(other);
  assertEquals(await lookUp(test, node.id), UNKNOWN);
  assertEquals(await lookUp(test, other.id), [200, "active", null]);
  await test.registerNew(node);
  assertEquals(await lookUp(test, node.id), [200, "active", null]);
});

Deno.test("What is stored is known after a start, and where another database was put in its place", async () => {
  const database = await Deno.makeTempFile({ suffix: ".db" });
  const ids: string[] = [];
  {
    await using test = await TestDirectory.start({ database });
    for (const seed of [1, 2]) {
      const node = test.node(seed);
      ids.push(node.id);
      await test.registerNew(node);
    }
    await using other = await TestDirectory.start();
    for (const id of ids) assertEquals(await lookUp(other, id), UNKNOWN);
  }
  const clock = { nowMs: () => 0, setTimer: () => () => {} };
  const store = new SqliteStore(() => new DatabaseSync(database), clock);
  for (const id of ids) assertEquals((await store.find(id as never)).entry?.id, id as never);
  await store.close();
  for (const suffix of ["", "-wal", "-shm"]) await Deno.remove(database + suffix).catch(() => {});
});
