import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { ListPage } from "../../directory/stores/store.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { testIdentity } from "../protocol/signer.ts";
import { entry, testDirectoryStore } from "./directory_store.ts";

const { id } = testIdentity(9);
const bare = { next: null, succession: null };

/** The tables and indexes as the first version of the program made them. */
const FIRST_LAYOUT = `
CREATE TABLE nodes (id TEXT PRIMARY KEY, record TEXT NOT NULL, seq INTEGER NOT NULL,
  exp INTEGER NOT NULL, api_url TEXT NOT NULL, noise_key TEXT NOT NULL, host TEXT NOT NULL,
  alias TEXT, services TEXT NOT NULL, unlisted INTEGER NOT NULL, gone INTEGER NOT NULL,
  listed INTEGER GENERATED ALWAYS AS (unlisted = 0 AND gone = 0) VIRTUAL,
  last_seen_at INTEGER NOT NULL, lease_end_at INTEGER NOT NULL, called_back_at INTEGER NOT NULL
) STRICT;
CREATE INDEX nodes_by_host ON nodes (host) WHERE host <> '';
CREATE INDEX nodes_by_alias ON nodes (alias, id) WHERE alias IS NOT NULL;
CREATE INDEX nodes_by_lease ON nodes (lease_end_at);
CREATE TABLE pins (id TEXT PRIMARY KEY, next BLOB NOT NULL) STRICT;
CREATE TABLE successions (old_id TEXT PRIMARY KEY, new_id TEXT NOT NULL, text TEXT NOT NULL,
  stored_at INTEGER NOT NULL) STRICT;
CREATE TABLE proofs (jti TEXT PRIMARY KEY, iat INTEGER NOT NULL, used_at INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX proofs_by_use ON proofs (used_at);
CREATE TABLE own (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** A clock whose timers fire in the next turn. */
function clockAt(nowMs: number) {
  return {
    nowMs: () => nowMs,
    setTimer(_delayMs: number, callback: () => void) {
      const timer = setTimeout(callback, 0);
      return () => clearTimeout(timer);
    },
  };
}

testDirectoryStore("SqliteStore", async (beginMs) => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  let store = new SqliteStore(() => new DatabaseSync(path), clockAt(beginMs));
  return {
    store,
    async reopen() {
      await store.close();
      store = new SqliteStore(() => new DatabaseSync(path), clockAt(beginMs + 60_000));
      return store;
    },
    async close() {
      await store.close();
      for (const suffix of ["", "-wal", "-shm"]) {
        await Deno.remove(path + suffix).catch(() => {});
      }
    },
  };
});

Deno.test("SqliteStore answers a write only after the commit of its group", async () => {
  const statements: string[] = [];
  const database = new DatabaseSync(":memory:");
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    statements.push(sql);
    exec(sql);
  };
  const store = new SqliteStore(() => database, clockAt(0));
  statements.length = 0;
  const committedBefore: boolean[] = [];
  const writes = Array.from({ length: 5 }, async (_, at) => {
    await store.put({ entry: entry(id, { seq: at + 10 }), ...bare });
    committedBefore.push(statements.includes("COMMIT"));
  });
  await Promise.resolve();
  assertEquals(committedBefore, []);
  await Promise.all(writes);
  assertEquals(committedBefore, Array(5).fill(true));
  assertEquals(statements.filter((sql) => sql === "COMMIT").length, 1);
  await store.close();
});

Deno.test("SqliteStore stores a group without a write of it that fails, and each write once", async () => {
  const database = new DatabaseSync(":memory:");
  const store = new SqliteStore(() => database, clockAt(0));
  const others = [1, 2, 3, 4].map((seed) => testIdentity(seed).id);
  await store.put({ entry: entry(others[3]!, { services: ["a", "b"] }), ...bare });
  const puts = others.map((other) =>
    store.put({ entry: entry(other, { seq: 6, services: ["a"] }), ...bare })
  );
  // Its services are stored before its pin is refused.
  const broken = {
    entry: entry(id, { services: ["a"] }),
    next: {} as Uint8Array,
    succession: null,
  };
  const refused = store.put(broken).catch((error) => error.code);
  const proof = { jti: "a".repeat(22), iatSec: 7, nowMs: 8_000 };
  const claims = [store.claimProof(proof), store.claimProof(proof)];
  assertEquals(await Promise.all(puts), Array(4).fill({ outcome: "stored" }));
  assertEquals(await refused, "overloaded");
  assertEquals(await Promise.all(claims), [true, false]);
  assertEquals((await store.find(id)).entry, null);
  assertEquals((await store.countNodes()).active, 4);
  const names = database.prepare("SELECT name, id FROM node_services ORDER BY id").all();
  assertEquals(
    names.map((row) => ({ ...row })),
    others.toSorted().map((other) => ({ name: "a", id: other })),
  );
  assertEquals((await store.find(others[0]!)).entry?.seq, 6);
  await store.close();
});

Deno.test("SqliteStore refuses with overloaded what it cannot commit, and goes on afterwards", async () => {
  const database = new DatabaseSync(":memory:");
  const store = new SqliteStore(() => database, clockAt(0));
  await store.put({ entry: entry(id), ...bare });
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database or disk is full");
    exec(sql);
  };
  const other = testIdentity(8).id;
  const error = await assertRejects(
    () => store.put({ entry: entry(other), ...bare }),
    OpenRedError,
  );
  assertEquals(error.code, "overloaded");
  database.exec = exec;
  assertEquals((await store.countNodes()).active, 1);
  assertEquals((await store.find(other)).entry, null);
  await store.put({ entry: entry(other), ...bare });
  assertEquals((await store.countNodes()).active, 2);
  await store.close();
});

/** A store of many nodes, of which the last one alone has this lease; all have one alias and one service. */
async function storeOfMany(count: number, lastLeaseEndAt: number): Promise<SqliteStore> {
  const store = new SqliteStore(() => new DatabaseSync(":memory:"), clockAt(0));
  const puts = Array.from({ length: count }, (_, at) => {
    const leaseEndAt = at === count - 1 ? lastLeaseEndAt : 9;
    const changes = { alias: "a", services: ["x"], leaseEndAt };
    const numbered = `z${String(at).padStart(6, "0")}` as NodeId;
    return store.put({ entry: entry(numbered, changes), ...bare });
  });
  await Promise.all(puts);
  return store;
}

Deno.test("SqliteStore looks at a bounded number of nodes for each page, and finds all in the end", async () => {
  const store = await storeOfMany(12_000, 20);
  const query = { leaseEndsAfter: 10, leaseEndsBy: 20, limit: 5 };
  const sizesOf = async (filter: { service: string | null; alias: string | null }) => {
    const sizes = [];
    for (let after: string | null = ""; after !== null;) {
      const page: ListPage = await store.list({ ...query, ...filter, after });
      sizes.push(page.entries.length);
      after = page.nextAfter;
    }
    return sizes;
  };
  assertEquals(await sizesOf({ service: null, alias: null }), [0, 0, 1]);
  const named = [...Array(11).fill(0), 1, 0];
  assertEquals(await sizesOf({ service: "x", alias: null }), named);
  assertEquals(await sizesOf({ service: null, alias: "a" }), named);
  assertEquals(await sizesOf({ service: "x", alias: "a" }), named);
  for (const filter of [{ service: "y", alias: null }, { service: null, alias: "b" }]) {
    assertEquals(await sizesOf(filter), [0]);
  }
  await store.close();
});

Deno.test("SqliteStore makes no statement that walks through a table of nodes", async () => {
  const database = new DatabaseSync(":memory:");
  const prepare = database.prepare.bind(database);
  const texts = new Set<string>();
  database.prepare = (sql) => {
    texts.add(sql);
    return prepare(sql);
  };
  const store = new SqliteStore(() => database, clockAt(0));
  const other = testIdentity(8).id;
  const succession = { oldId: other, newId: id, text: "s", storedAt: 0, next: new Uint8Array(32) };
  await store.put({ entry: entry(other, { services: ["x", "y"] }), ...bare });
  await store.put({ entry: entry(other, { services: ["y"], seq: 6 }), ...bare });
  await store.merge({ entry: entry(id), ...bare });
  await store.merge({ entry: entry(id, { seq: 6 }), next: new Uint8Array(32), succession });
  await Promise.all([store.find(id), store.pinnedNext(id), store.countOnHost("x")]);
  await store.countNodes();
  for (const service of ["x", null]) {
    for (const alias of ["a", null]) {
      await store.list({ after: "", limit: 1, leaseEndsAfter: 0, leaseEndsBy: 1, service, alias });
    }
  }
  await store.claimProof({ jti: "x", iatSec: 1, nowMs: 1 });
  const countsAt = { activeAfter: 1, recentAfter: 0 };
  const ends = { leasesBefore: 50, latestLeaseEnd: 60 };
  await store.sweep({ nowMs: 1, proofsBefore: 5, ...ends, countsAt });
  await store.sweep({
    nowMs: 1,
    proofsBefore: 5,
    leasesBefore: 500,
    latestLeaseEnd: 600,
    countsAt,
  });
  await store.getOwn("x");
  let searches = 0;
  for (const sql of texts) {
    if (/^\s*PRAGMA/.test(sql)) continue;
    for (const { detail } of prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]) {
      assert(
        !/SCAN (?!lease_counts|stored_count|walked|\()|TEMP B-TREE/.test(detail),
        `${detail}: ${sql}`,
      );
      if (/SEARCH/.test(detail)) searches += 1;
    }
  }
  assert(searches > 20, `${searches}`);
  await store.close();
});

Deno.test("SqliteStore changes a bounded number of rows in a step of a sweep, and waits for no disk", async () => {
  const database = new DatabaseSync(":memory:");
  const exec = database.exec.bind(database);
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  const syncs: unknown[] = [];
  database.exec = (sql) => {
    if (sql === "COMMIT") syncs.push(pragma("synchronous"));
    exec(sql);
  };
  const store = new SqliteStore(() => database, clockAt(0));
  const services = ["w", "x"];
  await Promise.all(Array.from({ length: 3_000 }, (_, at) => {
    const next = new Uint8Array(32);
    return store.put({ entry: entry(`z${at}` as NodeId, { services }), next, succession: null });
  }));
  await Promise.all(
    Array.from(
      { length: 1_000 },
      (_, at) => store.claimProof({ jti: `${at}`, iatSec: 1 + at, nowMs: at }),
    ),
  );
  syncs.length = 0;
  const rows = () => Object.values(database.prepare("SELECT total_changes()").get()!)[0] as number;
  let steps = 0;
  for (let isDone = false; !isDone; steps++) {
    const before = rows();
    ({ isDone } = await store.sweep({
      nowMs: 2_000,
      proofsBefore: 1_000,
      leasesBefore: 101,
      latestLeaseEnd: null,
      countsAt: { activeAfter: 100, recentAfter: 99 },
    }));
    assert(rows() - before < 500, `${rows() - before} rows`);
  }
  assert(steps >= 150, `${steps}`);
  assertEquals([await store.countStored(), pragma("synchronous")], [0, 2]);
  assertEquals(new Set(syncs), new Set([1]));
  await store.close();
});

Deno.test("SqliteStore brings a database of the first layout up to date", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    const old = new DatabaseSync(path);
    old.exec(FIRST_LAYOUT);
    const insert = old.prepare(
      "INSERT INTO nodes VALUES (?, 'a.b.c', 5, 9, 'https://a.example/x', ?, 'a.example', NULL, ?, ?, ?, 1, 100, 2)",
    );
    const noiseKey = entry(id).noiseKey;
    const [hidden, gone] = [testIdentity(7).id, testIdentity(6).id];
    insert.run(id, noiseKey, '\na "b"\n\nc\n', 0, 0);
    insert.run(hidden, noiseKey, "\nc\n", 1, 0);
    insert.run(gone, noiseKey, "\nc\n", 0, 1);
    old.exec("INSERT INTO successions VALUES ('x', 'y', 's', 7)");
    old.close();
    const store = new SqliteStore(() => new DatabaseSync(path), clockAt(0));
    const listed = async (service: string | null) => {
      const bounds = { leaseEndsAfter: 0, leaseEndsBy: 1_000 };
      const page = await store.list({ after: "", limit: 9, ...bounds, service, alias: null });
      return page.entries.map((each) => each.id);
    };
    for (const service of ["c", 'a "b"', null]) assertEquals(await listed(service), [id]);
    assertEquals(await listed("a"), []);
    assertEquals((await store.find(id)).entry, entry(id, { services: ['a "b"', "c"] }));
    assertEquals((await store.find("x" as NodeId)).succession?.newId, "y");
    assertEquals([(await store.countNodes()).active, await store.countOnHost("a.example")], [2, 3]);
    await store.close();
    const again = new SqliteStore(() => new DatabaseSync(path), clockAt(0));
    assertEquals((await again.countNodes()).active, 2);
    await again.close();
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("SqliteStore counts what a database of the second layout has stored", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    const store = new SqliteStore(() => new DatabaseSync(path), clockAt(0));
    for (const seed of [1, 2, 3]) {
      await store.put({ entry: entry(testIdentity(seed).id), ...bare });
    }
    await store.close();
    const old = new DatabaseSync(path);
    old.exec(`DROP TRIGGER stored_node; DROP TRIGGER stored_node_deleted;
      DROP TRIGGER stored_succession; DROP TABLE stored_count; DROP TABLE bans;
      DROP TABLE directory_keys; DROP TABLE key_uses; PRAGMA user_version = 1`);
    old.close();
    const again = new SqliteStore(() => new DatabaseSync(path), clockAt(0));
    await again.put({ entry: entry(id), ...bare });
    assertEquals([await again.countStored(), (await again.countNodes()).active], [4, 4]);
    await again.close();
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("SqliteStore refuses a database of a later layout", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA user_version = 99");
  const error = assertThrows(() => new SqliteStore(() => database, clockAt(0)), OpenRedError);
  assertEquals(error.code, "unsupported");
  database.close();
});

Deno.test("SqliteStore shows nothing of a group that failed", async () => {
  const database = new DatabaseSync(":memory:");
  const store = new SqliteStore(() => database, clockAt(0));
  const first = entry(id);
  await store.put({ entry: first, ...bare });
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database or disk is full");
    exec(sql);
  };
  const puts = [6, 7].map((seq) => store.put({ entry: entry(id, { seq }), ...bare }));
  await Promise.allSettled(puts);
  assertEquals((await store.find(id)).entry, first);
  database.exec = exec;
  await store.close();
});
