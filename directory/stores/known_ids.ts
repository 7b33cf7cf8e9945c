/**
 * What a store can say of an id without a query: that it never stored it.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import { IdFilter } from "./id_filter.ts";
import type { Statements } from "./statements.ts";

const FIRST_CAPACITY = 2 ** 16;
/**
 * Rows that are read at a time, and how long the process does other things in between: who asks while a million are
 * read waits for little of it, and a tenth of the processor's time goes to it.
 */
const ROWS_A_STEP = 200;
const PAUSE_MS = 4;

/** Where ids are found, one table after the other. */
const TABLES = [["nodes", "id"], ["successions", "old_id"], ["bans", "id"]] as const;

/** The ids of one step, and the last of them. One text of all takes half the time of a row for each. */
function stepOf([table, id]: typeof TABLES[number]): string {
  return `SELECT group_concat(id, ' ') AS ids, max(id) AS last, count(*) AS n FROM
    (SELECT ${id} AS id FROM ${table} WHERE ${id} > ? ORDER BY ${id} LIMIT ${ROWS_A_STEP})`;
}

interface Step {
  readonly ids: string | null;
  readonly last: string | null;
  readonly n: number;
}

/** With room for twice as many, so that no filter has to be made anew while the first one is. */
export function capacityFor(stored: number): number {
  let capacity = FIRST_CAPACITY;
  while (capacity / 2 < stored) capacity *= 2;
  return capacity;
}

/** The ids of one database, read from it in steps, and those that came since. */
export class KnownIds {
  readonly #sql: Statements;
  readonly #clock: Pick<Clock, "setTimer">;
  /** `null` until the first one is complete. */
  #filter: IdFilter | null = null;
  #next: IdFilter | null = null;
  #follow: (filter: IdFilter) => void = () => {};
  #cancel = () => {};

  /** @param options `capacity`: of the first filter, a power of two; by default as large as what is stored needs. */
  constructor(
    parts: { readonly sql: Statements; readonly clock: Pick<Clock, "setTimer"> },
    options: { readonly capacity?: number } = {},
  ) {
    this.#sql = parts.sql;
    this.#clock = parts.clock;
    this.#build(options.capacity ?? capacityFor(this.#sql.number("SELECT n FROM stored_count")));
  }

  /** `false` only for what is not stored. What was deleted may stay known. */
  mayHave(id: string): boolean {
    return this.#filter?.mayHave(id) ?? true;
  }

  /** Notes an id that is being stored. */
  add(id: string): void {
    this.#next?.add(id);
    const filter = this.#filter;
    if (filter === null) return;
    filter.add(id);
    // What was deleted is not in the new one.
    if (this.#next === null && filter.size > filter.capacity) this.#build(filter.capacity);
  }

  /** Calls with the filter that counts from now on, if there is one, and with each that takes its place, as it does. */
  followedBy(follow: (filter: IdFilter) => void): void {
    this.#follow = follow;
    if (this.#filter !== null) follow(this.#filter);
  }

  /** Reads no further. */
  stop(): void {
    this.#cancel();
  }

  #build(capacity: number): void {
    const filter = IdFilter.create(capacity);
    this.#next = filter;
    const step = (table: number, after: string) => {
      const source = TABLES[table];
      if (source === undefined) {
        this.#next = null;
        this.#filter = filter;
        this.#follow(filter);
        return;
      }
      const { ids, last, n } = this.#sql.get(stepOf(source), after) as unknown as Step;
      for (const id of ids?.split(" ") ?? []) filter.add(id);
      // Otherwise it would be full again soon.
      if (filter.size > capacity / 2) return this.#build(2 * capacity);
      if (last === null || n < ROWS_A_STEP) return step(table + 1, "");
      this.#cancel = this.#clock.setTimer(PAUSE_MS, () => step(table, last));
    };
    step(0, "");
  }
}
