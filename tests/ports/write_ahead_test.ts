import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOpenDatabase } from "../../ports/system.ts";
import { createWriteAhead } from "../../ports/system_write_ahead.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { until } from "../world/until.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

const NAME = "some.db";
/** More than are needed for a thread of its own. */
const WRITES = 400;

function setUp(data: string, program?: URL) {
  const log = new MemoryLog();
  const database = createOpenDatabase(data)(NAME);
  database.exec("CREATE TABLE rows (n INTEGER PRIMARY KEY, content BLOB)");
  const writeAhead = createWriteAhead(data, {
    name: NAME,
    log,
    ...(program === undefined ? {} : { program }),
  });
  const elsewhere: boolean[] = [];
  writeAhead.follow((isElsewhere) => {
    elsewhere.push(isElsewhere);
    database.exec(`PRAGMA wal_autocheckpoint = ${isElsewhere ? 0 : 1_000}`);
  });
  const write = (count: number) => {
    for (let n = 0; n < count; n++) {
      database.exec("INSERT INTO rows (content) VALUES (randomblob(4000))");
      writeAhead.written(1);
    }
  };
  return { log, database, writeAhead, elsewhere, write };
}

Deno.test("Checkpoints are done in a thread of their own once there is enough to copy, and nothing is lost", async () => {
  using data = makeTemporaryDirectory();
  const { database, writeAhead, elsewhere, write } = setUp(data.path);
  database.exec("PRAGMA synchronous = OFF");
  write(40);
  writeAhead.written(0);
  assertEquals(elsewhere, []);
  write(WRITES);
  await until(() => elsewhere.length > 0, "the thread");
  writeAhead.begin();
  assertEquals(elsewhere, [true]);
  const size = () => Deno.statSync(`${data.path}/${NAME}`).size;
  const before = size();
  write(WRITES);
  await until(() => size() > before + WRITES * 4_000, "a copy");
  await writeAhead.sync();
  await writeAhead.stop();
  database.close();
  assertEquals([...Deno.readDirSync(data.path)].map(({ name }) => name), [NAME]);
  using again = createOpenDatabase(data.path)(NAME);
  assertEquals(again.prepare("SELECT count(*) AS n FROM rows").get()!["n"], 40 + 2 * WRITES);
});

Deno.test("Where the thread of checkpoints fails, the thread that writes does them again, and it is told", async () => {
  using data = makeTemporaryDirectory();
  const program = new URL("../world/dying_thread.ts", import.meta.url);
  const { log, database, writeAhead, elsewhere, write } = setUp(data.path, program);
  database.exec("PRAGMA synchronous = OFF");
  write(WRITES);
  await until(() => log.entries.length > 0, "the failure");
  assertEquals(log.entries.map(({ event }) => event), ["checkpoints_failed"]);
  assertEquals(elsewhere.at(-1), false);
  write(WRITES);
  assert(Deno.statSync(`${data.path}/${NAME}`).size > 0);
  await writeAhead.stop();
  database.close();
});

Deno.test("What is written ahead cannot be synced where it is not", async () => {
  using data = makeTemporaryDirectory();
  const writeAhead = createWriteAhead(data.path, { name: NAME, log: new MemoryLog() });
  await assertRejects(() => writeAhead.sync(), Deno.errors.NotFound);
});
