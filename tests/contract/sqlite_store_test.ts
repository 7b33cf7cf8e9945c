import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { ListPage } from "../../directory/stores/store.ts";
import { createOpenDatabase } from "../../ports/system.ts";
import { createWriteAhead } from "../../ports/system_write_ahead.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { testIdentity } from "../protocol/signer.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { until } from "../world/until.ts";
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

/** As the program opens it. */
function openStore(data: string, nowMs: number): SqliteStore {
  const writeAhead = createWriteAhead(data, { name: "directory.db", log: new MemoryLog() });
  return new SqliteStore(createOpenDatabase(data), clockAt(nowMs), writeAhead);
}

testDirectoryStore("SqliteStore", async (beginMs) => {
  const data = await Deno.makeTempDir();
  let store = openStore(data, beginMs);
  return {
    store,
    async reopen() {
      await store.close();
      store = openStore(data, beginMs + 60_000);
      return store;
    },
    async close() {
      await store.close();
      await Deno.remove(data, { recursive: true });
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

/** A store whose syncs end when the test says so. */
function slowDisk() {
  const database = new DatabaseSync(":memory:");
  const syncs: PromiseWithResolvers<void>[] = [];
  const store = new SqliteStore(() => database, clockAt(0), {
    follow() {},
    begin() {},
    written() {},
    sync() {
      const sync = Promise.withResolvers<void>();
      syncs.push(sync);
      return sync.promise;
    },
    stop: () => Promise.resolve(),
  });
  const begun = (count: number) => until(() => syncs.length >= count, `sync ${count}`);
  return { database, store, syncs, begun };
}

/** Of those that a list shows. */
async function seqsListed(store: SqliteStore): Promise<number[]> {
  const bounds = { leaseEndsAfter: 0, leaseEndsBy: 1_000_000, service: null, alias: null };
  const { entries } = await store.list({ after: "", limit: 9, ...bounds });
  return entries.map(({ seq }) => seq);
}

/** What a promise has come to by now. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "waits";
  promise.then(() => state = "resolved", () => state = "rejected");
  await new Promise((resolve) => setTimeout(resolve, 0));
  return state;
}

Deno.test("SqliteStore tells nobody of a change before it is on disk, and answers everybody else meanwhile", async () => {
  const { database, store, syncs, begun } = slowDisk();
  const counted = () => database.prepare("SELECT count(*) AS n FROM nodes").get()!["n"];
  const [other, third] = [testIdentity(7).id, testIdentity(8).id];
  const first = store.put({ entry: entry(other), ...bare });
  await begun(1);
  syncs[0]!.resolve();
  await first;
  const put = store.put({ entry: entry(id), ...bare });
  await begun(2);
  const found = store.find(id);
  assertEquals(store.atHand(id), null);
  assertEquals([await stateOf(put), await stateOf(found)], ["waits", "waits"]);
  assertEquals((await store.find(other)).entry, entry(other));
  // Who comes while the disk is being waited for shares the next time.
  const later = [
    store.put({ entry: entry(id, { seq: 6 }), ...bare }),
    store.put({ entry: entry(third), ...bare }),
  ];
  await until(() => counted() === 3, "the transaction");
  const foundLater = store.find(third);
  syncs[1]!.resolve();
  assertEquals(await put, { outcome: "stored" });
  await begun(3);
  assertEquals([await stateOf(later[0]!), await stateOf(found)], ["waits", "waits"]);
  syncs[2]!.resolve();
  await Promise.all(later);
  assertEquals([(await found).entry?.seq, (await foundLater).entry?.id], [6, third]);
  assertEquals(store.atHand(id)?.entry?.seq, 6);
  assertEquals(syncs.length, 3);
  await store.close();
});

Deno.test("SqliteStore lists nobody before it is on disk, nor shows what a change that failed has left", async () => {
  const { database, store, syncs, begun } = slowDisk();
  const put = store.put({ entry: entry(id), ...bare });
  await begun(1);
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database or disk is full");
    exec(sql);
  };
  await assertRejects(() => store.put({ entry: entry(id, { seq: 6 }), ...bare }), OpenRedError);
  database.exec = exec;
  const [found, list] = [store.find(id), seqsListed(store)];
  assertEquals([await stateOf(found), await stateOf(list)], ["waits", "waits"]);
  syncs[0]!.resolve();
  await put;
  assertEquals([(await found).entry?.seq, await list], [5, [5]]);
  await store.close();
});

Deno.test("SqliteStore has what a sync lost copied anew before it goes on, and refuses until that is done", async () => {
  const { database, store, syncs, begun } = slowDisk();
  const checkpoints: string[] = [];
  let isBroken = true;
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    if (sql.includes("wal_checkpoint")) {
      checkpoints.push(sql);
      if (isBroken) throw new Error("disk I/O error");
    }
    return prepare(sql);
  };
  const put = store.put({ entry: entry(id), ...bare }).catch((error) => error.code);
  await begun(1);
  syncs[0]!.reject(new Error("Input/output error"));
  assertEquals(await put, "overloaded");
  const other = { entry: entry(testIdentity(7).id), ...bare };
  assertEquals((await assertRejects(() => store.find(id), OpenRedError)).code, "overloaded");
  assertEquals((await assertRejects(() => store.put(other), OpenRedError)).code, "overloaded");
  assertEquals([await store.countStored(), syncs.length], [1, 1]);
  assertEquals(await seqsListed(store), []);
  isBroken = false;
  const again = store.put(other);
  await begun(2);
  assertEquals((await store.find(id)).entry, entry(id));
  syncs[1]!.resolve();
  assertEquals(await again, { outcome: "stored" });
  assertEquals(await seqsListed(store), [5, 5]);
  assertEquals(new Set(checkpoints), new Set(["PRAGMA wal_checkpoint(TRUNCATE)"]));
  // One that is mended at once has failed nobody.
  const third = store.put({ entry: entry(testIdentity(8).id), ...bare });
  await begun(3);
  syncs[2]!.reject(new Error("Input/output error"));
  assertEquals(await third, { outcome: "stored" });
  await store.close();
});

Deno.test("SqliteStore stores once another connection lets go of the database, answers meanwhile, and waits not for ever", async () => {
  const data = await Deno.makeTempDir();
  const store = openStore(data, 0);
  const other = new DatabaseSync(`${data}/directory.db`);
  const [first, second] = [testIdentity(7).id, testIdentity(8).id];
  try {
    await store.put({ entry: entry(first), ...bare });
    other.exec("BEGIN IMMEDIATE");
    const put = store.put({ entry: entry(second), ...bare });
    const sweep = store.sweep({
      nowMs: 0,
      proofsBefore: 0,
      leasesBefore: null,
      latestLeaseEnd: null,
      countsAt: { activeAfter: 0, recentAfter: 0 },
    });
    assertEquals(await stateOf(put), "waits");
    assertEquals((await store.find(first)).entry?.id, first);
    other.exec("ROLLBACK");
    assertEquals(await put, { outcome: "stored" });
    assertEquals((await sweep).isDone, true);
    other.exec("BEGIN IMMEDIATE");
    const refused = await assertRejects(
      () => store.put({ entry: entry(id), ...bare }),
      OpenRedError,
    );
    assertEquals(refused.code, "overloaded");
    other.exec("ROLLBACK");
    await store.put({ entry: entry(id), ...bare });
  } finally {
    other.close();
    await store.close();
    await Deno.remove(data, { recursive: true });
  }
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
async function storeOfMany(
  count: number,
  lastLeaseEndAt: number,
  database = new DatabaseSync(":memory:"),
): Promise<SqliteStore> {
  const store = new SqliteStore(() => database, clockAt(0));
  const puts = Array.from({ length: count }, (_, at) => {
    const leaseEndAt = at === count - 1 ? lastLeaseEndAt : 9;
    const changes = { alias: "a", services: ["x"], leaseEndAt };
    const numbered = `z${String(at).padStart(6, "0")}` as NodeId;
    return store.put({ entry: entry(numbered, changes), ...bare });
  });
  await Promise.all(puts);
  return store;
}

Deno.test("SqliteStore has its log copied elsewhere from the start where a thousand nodes are stored", async () => {
  for (const [count, expected] of [[999, 0], [1_000, 1]] as const) {
    const database = new DatabaseSync(":memory:");
    await storeOfMany(count, 20, database);
    let begun = 0;
    const store = new SqliteStore(() => database, clockAt(0), {
      follow() {},
      begin: () => void (begun += 1),
      written() {},
      sync: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    });
    assertEquals(begun, expected);
    await store.close();
  }
});

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

Deno.test("SqliteStore changes a bounded number of rows in a step of a sweep", async () => {
  const database = new DatabaseSync(":memory:");
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
  assertEquals(await store.countStored(), 0);
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
