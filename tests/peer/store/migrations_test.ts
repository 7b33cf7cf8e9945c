import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../../peer/store/migrations.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

/** The tables as the first versions made them, which wrote no version. */
const FORMER = `
CREATE TABLE self (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE peers (
  id TEXT PRIMARY KEY, record TEXT NOT NULL, next BLOB, known INTEGER NOT NULL,
  accepted INTEGER NOT NULL, succession TEXT
) STRICT;
CREATE TABLE inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT NOT NULL, id TEXT NOT NULL,
  text TEXT NOT NULL, received_at INTEGER NOT NULL, UNIQUE (peer, id)
) STRICT;
INSERT INTO peers VALUES ('friend', 'r1', x'01', 1, 1, NULL);
INSERT INTO peers VALUES ('stranger', 'r2', NULL, 0, 0, NULL);
INSERT INTO peers VALUES ('old', 'r3', NULL, 1, 1, 's');
INSERT INTO inbox (peer, id, text, received_at) VALUES ('friend', 'i', 'hello', 1);
`;

function versionOf(database: DatabaseSync): unknown {
  return database.prepare("PRAGMA user_version").get()?.user_version;
}

Deno.test("migrate() opens a database of the former schema and keeps what was in it", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(FORMER);
  migrate(database);
  const permissions = database.prepare("SELECT peer, name, allowed FROM peer_permissions").all();
  assertEquals(permissions.map((row) => ({ ...row })), [
    { peer: "friend", name: "message", allowed: 1 },
  ]);
  const peers = database.prepare("SELECT id, record, known, succession FROM peers ORDER BY id")
    .all();
  assertEquals(peers.map((row) => row.record), ["r1", "r3", "r2"]);
  assertEquals(database.prepare("SELECT text FROM messaging_plain_inbox").get()?.text, "hello");
});

Deno.test("migrate() makes the same tables of nothing and of the former schema, and then changes nothing", () => {
  using fresh = new DatabaseSync(":memory:");
  using former = new DatabaseSync(":memory:");
  former.exec(FORMER);
  const tables = (database: DatabaseSync) => {
    migrate(database);
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")
      .all();
    return names.map((row) => {
      const columns = database.prepare(`PRAGMA table_info(${row.name})`).all();
      return [row.name, columns.map((column) => column.name)];
    });
  };
  assertEquals(tables(former), tables(fresh));
  assertEquals(tables(fresh), tables(fresh));
  assertEquals(versionOf(fresh), versionOf(former));
});

Deno.test("migrate() refuses a database of a newer program and leaves it as it is", () => {
  using database = new DatabaseSync(":memory:");
  database.exec("PRAGMA user_version = 99");
  assertEquals(assertThrows(() => migrate(database), OpenRedError).code, "unsupported");
  assertEquals(versionOf(database), 99);
});

Deno.test("migrate() undoes a step that fails", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(`${FORMER}CREATE TABLE petnames (folded TEXT);`);
  assertThrows(() => migrate(database));
  assertEquals(versionOf(database), 1);
  assertEquals(
    database.prepare("SELECT accepted FROM peers WHERE id = 'friend'").get()?.accepted,
    1,
  );
});
