import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { IdFilter } from "../../directory/stores/id_filter.ts";
import { capacityFor, KnownIds } from "../../directory/stores/known_ids.ts";
import { prepareTables } from "../../directory/stores/sqlite_schema.ts";
import { Statements } from "../../directory/stores/statements.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { START_MS } from "./test_directory.ts";

/** Rows that a step reads, and the rest after it. */
const STEP = 200;
const REST_MS = 4;

function idAt(number: number): string {
  return `z${String(number).padStart(47, "0")}`;
}

/** A database with so many nodes, and ids that others have followed. */
class Database implements Disposable {
  readonly clock = new FakeClock(START_MS);
  readonly sql: Statements;
  readonly #database = new DatabaseSync(":memory:");

  constructor(options: { readonly nodes: number; readonly succeeded?: readonly string[] }) {
    prepareTables(this.#database);
    this.sql = new Statements(this.#database);
    for (let number = 0; number < options.nodes; number++) this.insert(idAt(number));
    for (const id of options.succeeded ?? []) {
      this.sql.run(
        "INSERT INTO successions (old_id, new_id, text, stored_at) VALUES (?, '', '', 0)",
        id,
      );
    }
  }

  insert(id: string): void {
    this.sql.run(
      `INSERT INTO nodes (id, record, seq, exp, api_url, noise_key, host, services, unlisted, gone,
      last_seen_at, lease_end_at, called_back_at) VALUES (?, '', 0, 0, '', '', '', '', 0, 0, 0, 0, 0)`,
      id,
    );
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

Deno.test("IdFilter has all that was added, and little else", () => {
  const filter = IdFilter.create(1_024);
  for (let number = 0; number < 1_024; number++) filter.add(idAt(number));
  let wrong = 0;
  for (let number = 0; number < 1_024; number++) {
    assert(filter.mayHave(idAt(number)));
    if (filter.mayHave(idAt(1_000_000 + number))) wrong += 1;
  }
  assert(wrong < 20, `${wrong} of 1,024`);
  assert(filter.size > 1_000 && filter.size <= 1_024);
});

Deno.test("KnownIds may have any id until all were read, in steps", () => {
  using database = new Database({ nodes: 2 * STEP + 1, succeeded: [idAt(9_999)] });
  const known = new KnownIds(database);
  assert(known.mayHave(idAt(77_777)));
  database.clock.advance(REST_MS);
  assert(known.mayHave(idAt(77_777)));
  database.clock.advance(REST_MS);
  assertEquals(known.mayHave(idAt(77_777)), false);
  for (let number = 0; number <= 2 * STEP; number++) assert(known.mayHave(idAt(number)));
  assert(known.mayHave(idAt(9_999)));
});

Deno.test("KnownIds has what is stored while it reads, before and behind where it is", () => {
  using database = new Database({ nodes: STEP + 1 });
  const known = new KnownIds(database);
  const added = ["z0", "zz"];
  for (const id of added) {
    database.insert(id);
    known.add(id);
  }
  database.clock.advance(REST_MS);
  assertEquals(known.mayHave(idAt(77_777)), false);
  for (const id of added) assert(known.mayHave(id));
});

Deno.test("KnownIds grows with what is stored, and leaves behind what was deleted", () => {
  using database = new Database({ nodes: 0 });
  const known = new KnownIds(database, { capacity: 64 });
  for (let number = 0; number < 40; number++) {
    database.insert(idAt(number));
    known.add(idAt(number));
  }
  database.sql.run("DELETE FROM nodes WHERE id < ?", idAt(20));
  // Others came and went, until the filter was full of them.
  for (let number = 100; number < 200; number++) known.add(idAt(number));
  for (let number = 20; number < 40; number++) assert(known.mayHave(idAt(number)));
  assertEquals(known.mayHave(idAt(0)), false);
  assertEquals(known.mayHave(idAt(100)), false);
  for (let number = 1_000; number < 3_000; number++) {
    database.insert(idAt(number));
    known.add(idAt(number));
    database.clock.advance(1);
  }
  for (let number = 1_000; number < 3_000; number++) assert(known.mayHave(idAt(number)));
  const strangers = Array.from({ length: 1_000 }, (_, at) => idAt(50_000 + at));
  assert(strangers.filter((id) => known.mayHave(id)).length < 20);
});

Deno.test("KnownIds reads no further once it is stopped", () => {
  const database = new Database({ nodes: STEP + 1 });
  const known = new KnownIds(database);
  known.stop();
  database[Symbol.dispose]();
  database.clock.advance(10);
  assert(known.mayHave(idAt(77_777)));
});

Deno.test("capacityFor() leaves room for as many again, so that one reading of the ids is enough", () => {
  const capacities = [0, 32_768, 32_769, 1_000_000].map(capacityFor);
  assertEquals(capacities, [2 ** 16, 2 ** 16, 2 ** 17, 2 ** 21]);
});
