import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { NodeStore } from "../../../peer/store/store.ts";
import { createOpenDatabase } from "../../../ports/system.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { START_MS } from "../parts.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

function valueIn(database: DatabaseSync): unknown {
  return database.prepare("SELECT value FROM self WHERE name = 'a'").get()?.value;
}

Deno.test("NodeStore writes what waits before a snapshot and before its end; a snapshot sees nothing later", async () => {
  const folder = await Deno.makeTempDir();
  const open = () => {
    const database = new DatabaseSync(`${folder}/node.db`);
    database.exec("PRAGMA journal_mode = WAL");
    return database;
  };
  const store = new NodeStore(open, new VirtualClock(START_MS));
  const first = store.setSelf("a", "first");
  const snapshot = store.openSnapshot();
  await first;
  await store.setSelf("a", "second");
  assertEquals(valueIn(snapshot), "first");
  snapshot.close();
  const last = store.setSelf("a", "last");
  store.close();
  const again = open();
  assertEquals(valueIn(again), "last");
  await last;
  again.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("NodeStore.write() hands on what is refused inside it, and stores nothing of that alone", async () => {
  using database = new DatabaseSync(":memory:");
  const store = new NodeStore(() => database, new VirtualClock(START_MS));
  const causes: unknown[] = [];
  store.onWrite((cause) => causes.push(cause));
  const set = (value: string) =>
    store.statement("INSERT OR REPLACE INTO self (name, value) VALUES ('a', ?)").run(value);
  const refusal = new OpenRedError("forbidden", "Not this one");
  const refused = store.write(() => {
    set("refused");
    throw refusal;
  });
  const kept = store.write(() => void set("kept"));
  assertEquals(await refused.catch((error) => error), refusal);
  await kept;
  assertEquals([valueIn(database), causes], ["kept", [null]], "a refusal says nothing of the disk");
  const fault = store.write(() => store.statement("INSERT INTO nowhere VALUES (1)").run());
  const error = await assertRejects(() => fault, OpenRedError);
  assertEquals([error.code, causes.length, causes[1] === error.cause], ["overloaded", 2, true]);
});

Deno.test("NodeStore.step() writes what waits before it, and nothing of a step that fails", async () => {
  using database = new DatabaseSync(":memory:");
  const store = new NodeStore(() => database, new VirtualClock(START_MS));
  const waiting = store.setSelf("a", "waited");
  store.step("CREATE TABLE seen AS SELECT value FROM self WHERE name = 'a';");
  assertEquals(database.prepare("SELECT value FROM seen").get()?.value, "waited");
  await waiting;
  assertThrows(() => store.step("DELETE FROM self; INSERT INTO nowhere VALUES (1);"));
  assertEquals(valueIn(database), "waited");
  await store.setSelf("a", "after");
  assertEquals(valueIn(database), "after");
});

/** A store on a real disk with a table of texts, of which every other one is deleted. */
async function withDeletedTexts(
  run: (files: { store: NodeStore; path: string; open: () => DatabaseSync }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/node.db`;
  {
    using former = new DatabaseSync(path);
    former.exec("PRAGMA secure_delete = OFF; CREATE TABLE texts (text TEXT) STRICT");
    const insert = former.prepare("INSERT INTO texts VALUES (?)");
    for (let at = 0; at < 50; at++) insert.run("kept ".repeat(1_000));
    for (let at = 0; at < 50; at++) insert.run("deleted ".repeat(1_000));
    former.exec("DELETE FROM texts WHERE text LIKE 'deleted%'");
  }
  const openDatabase = createOpenDatabase(folder);
  const open = () => openDatabase("node.db");
  const store = new NodeStore(open, new VirtualClock(START_MS));
  try {
    await run({ store, path, open });
  } finally {
    store.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function timesIn(path: string, text: string): number {
  const files = [path, `${path}-wal`].map((file) => new TextDecoder("latin1").decode(read(file)));
  return files.join("").split(text).length - 1;
}

function read(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

Deno.test("NodeStore.wipe() overwrites what was deleted, and nothing else", async () => {
  await withDeletedTexts(async ({ store, path }) => {
    assert(timesIn(path, "deleted") > 1_000, "there was something to overwrite");
    await store.wipe();
    assertEquals([timesIn(path, "deleted"), timesIn(path, "kept ") >= 50_000], [0, true]);
    const { count } = store.statement("SELECT count(*) AS count FROM texts").get()!;
    assertEquals([count, store.statement("PRAGMA integrity_check").get()?.integrity_check], [
      50,
      "ok",
    ]);
  });
});

Deno.test("NodeStore.wipe() goes on where one that was killed has left its table", async () => {
  await withDeletedTexts(async ({ store, path }) => {
    store.step(
      "CREATE TABLE wiped (zeros BLOB NOT NULL) STRICT; INSERT INTO wiped VALUES (x'00');",
    );
    await store.wipe();
    assertEquals(timesIn(path, "deleted"), 0);
    const tables = store.statement("SELECT 1 FROM sqlite_schema WHERE name = 'wiped'").all();
    assertEquals(tables, []);
  });
});

Deno.test("NodeStore.wipe() fails while somebody reads what was there before, and can be tried again", async () => {
  await withDeletedTexts(async ({ store, path, open }) => {
    await store.setSelf("a", "in the log");
    const reader = open();
    reader.exec("BEGIN; SELECT count(*) FROM texts");
    // Waiting for the reader would take SQLite seconds, and changes nothing here.
    store.statement("PRAGMA busy_timeout = 1").get();
    assertEquals((await assertRejects(() => store.wipe(), OpenRedError)).code, "overloaded");
    reader.close();
    await store.wipe();
    assertEquals(timesIn(path, "deleted"), 0);
  });
});
