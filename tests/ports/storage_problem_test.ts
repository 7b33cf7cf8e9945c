import { assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { explainStorage, storageReason } from "../../ports/storage_problem.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

const PLACE = { data: "the/data", database: "node.db", repair: "restore a backup" };

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown");
}

Deno.test("explainStorage() knows what SQLite says", () => {
  using folder = makeTemporaryDirectory();
  const path = `${folder.path}/a.db`;
  const whole = new DatabaseSync(path);
  whole.exec(
    "CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(100000)); PRAGMA max_page_count = 30",
  );
  const full = errorOf(() => whole.exec("INSERT INTO a VALUES (zeroblob(100000))"));
  assertEquals(explainStorage(full, PLACE), "The disk of the/data is full; make room there");
  const reader = new DatabaseSync(path, { readOnly: true });
  const readOnly = errorOf(() => reader.exec("DELETE FROM a"));
  assertStringIncludes(explainStorage(readOnly, PLACE)!, "the/data is read-only");
  reader.close();
  whole.close();
  Deno.writeFileSync(path, Deno.readFileSync(path).fill(0xaa, 4096));
  const inside = errorOf(() => new DatabaseSync(path).prepare("SELECT * FROM a").all());
  Deno.writeFileSync(path, new Uint8Array(5_000).fill(0xaa));
  const head = errorOf(() => new DatabaseSync(path).exec("PRAGMA journal_mode = WAL"));
  for (const damaged of [inside, head]) {
    assertEquals(
      explainStorage(damaged, PLACE),
      "node.db in the/data is damaged; restore a backup",
    );
    assertEquals(storageReason(damaged), "the database is damaged");
  }
});

Deno.test("explainStorage() knows what the system says, and nothing of other errors", () => {
  const texts = {
    "No space left on device (os error 28): writefile 'a'": "The disk of the/data is full",
    "Read-only file system (os error 30): writefile 'a'": "is read-only",
    "Permission denied (os error 13): stat 'a/directory.db'": "This user may not use the/data",
    "Operation not permitted (os error 1): chmod 'a'": "This user may not use the/data",
    "disk I/O error": "full or broken",
  };
  for (const [message, text] of Object.entries(texts)) {
    assertStringIncludes(explainStorage(new Error(message), PLACE)!, text);
  }
  assertEquals(explainStorage(new Error("Something else"), PLACE), null);
  assertEquals(explainStorage("disk I/O error", PLACE), null);
  assertEquals(storageReason(new Error("Something else")), "Something else");
});
