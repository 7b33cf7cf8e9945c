import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { LAYOUT } from "../../directory/stores/sqlite_schema.ts";
import { createOpenDatabase, systemClock } from "../../ports/system.ts";
import { keepFormerDatabase } from "../../process/former_database.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { startCentral } from "./central_process.ts";

const LAYOUTS = new URL("layouts/", import.meta.url);
const NODE = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX" as NodeId;
const GONE = "z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH" as NodeId;
const FORMER = "z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2" as NodeId;

/** Fills a database as the program of that layout has written it. */
function fill(path: string, layout: number): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(Deno.readTextFileSync(new URL(`layout_${layout}.sql`, LAYOUTS)));
  database.close();
}

Deno.test("A database of every layout so far is opened, after a copy", async () => {
  assertEquals([...Deno.readDirSync(LAYOUTS)].length, LAYOUT + 1, "each layout has a fixture");
  for (let layout = 0; layout <= LAYOUT; layout++) {
    using place = makeTemporaryDirectory();
    const data = place.path;
    fill(`${data}/directory.db`, layout);
    const kept = await keepFormerDatabase({ data, name: "directory.db", layout: LAYOUT });
    assertEquals(kept, layout === LAYOUT ? null : `directory.db.layout-${layout}`);
    const store = new SqliteStore(createOpenDatabase(data), systemClock);
    const { entry } = await store.find(NODE);
    assertEquals([entry?.seq, entry?.services], [5, ["b", 'c "d"']], `layout ${layout}`);
    assertEquals(await store.pinnedNext(NODE), new Uint8Array(32).fill(7));
    assertEquals((await store.find(FORMER)).succession?.newId, NODE);
    assertEquals(await store.getOwn("id"), NODE);
    assertEquals((await store.find(GONE)).ban?.note, layout < 3 ? undefined : "spam");
    assertEquals((await store.find(GONE)).entry?.gone, layout < 3 ? true : undefined);
    assertEquals((await store.listKeys({ after: "", limit: 9 })).length, layout < 4 ? 0 : 1);
    const stored = { what: "ids", n: await store.countStored() };
    assertEquals(stored, { what: "ids", n: layout < 3 ? 3 : 2 }, `layout ${layout}`);
    assertEquals((await store.countNodes()).active, 1);
    await store.close();
    if (kept === null) continue;
    const former = new DatabaseSync(`${data}/${kept}`);
    assertEquals(former.prepare("PRAGMA user_version").get()?.["user_version"], layout);
    assertEquals(
      former.prepare("SELECT count(*) AS n FROM nodes").get()?.["n"],
      layout < 3 ? 2 : 1,
    );
    former.close();
    if (Deno.build.os !== "windows") {
      assertEquals(Deno.statSync(`${data}/${kept}`).mode! & 0o777, 0o600);
    }
  }
});

Deno.test("A directory that is brought up to date says what it kept", async () => {
  using place = makeTemporaryDirectory();
  const data = place.path;
  await (await startCentral(data)).end("SIGTERM");
  const database = new DatabaseSync(`${data}/directory.db`);
  database.exec("DROP TABLE directory_keys; DROP TABLE key_uses; PRAGMA user_version = 3");
  database.close();
  const running = await startCentral(data);
  const { code, err } = await running.end("SIGTERM");
  assertEquals(code, 0, err);
  assert(err.includes("database_kept") && err.includes("directory.db.layout-3"), err);
});
