import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { NodeStore } from "../../../peer/store/store.ts";
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
