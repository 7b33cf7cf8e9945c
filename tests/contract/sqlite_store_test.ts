import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { testIdentity } from "../protocol/signer.ts";
import { entry, testDirectoryStore } from "./directory_store.ts";

const { id } = testIdentity(9);
const bare = { next: null, succession: null };

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
  assertEquals(await store.countNodes(), 1);
  assertEquals((await store.find(other)).entry, null);
  await store.put({ entry: entry(other), ...bare });
  assertEquals(await store.countNodes(), 2);
  await store.close();
});

Deno.test("SqliteStore looks at a bounded number of rows for each page", async () => {
  const database = new DatabaseSync(":memory:");
  const store = new SqliteStore(() => database, clockAt(0));
  const insert = database.prepare(
    `INSERT INTO nodes VALUES (?, 'r', 1, 1, '', '', '', NULL, ?, 0, 0, 0, 9, 0)`,
  );
  database.exec("BEGIN");
  for (let at = 0; at < 12_000; at++) {
    insert.run(`z${String(at).padStart(6, "0")}`, at === 11_999 ? "\nx\n" : "");
  }
  database.exec("COMMIT");
  const query = { leaseEndsAfter: 0, leaseEndsBy: 10, limit: 5, service: "x", alias: null };
  const sizes = [];
  let after: string | null = "";
  while (after !== null) {
    const page: { entries: readonly unknown[]; nextAfter: string | null } = await store.list({
      ...query,
      after,
    });
    sizes.push(page.entries.length);
    after = page.nextAfter;
  }
  assertEquals(sizes, [0, 0, 1]);
  await store.close();
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
