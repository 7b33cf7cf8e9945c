/**
 * Prepared statements of one database, by their text.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Prepares each statement once. Texts must be few: all are kept. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** The first row, if there is one. */
  get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.prepare(sql).get(...values);
  }

  /** The column `n` of the one row. */
  number(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.get(sql, ...values)?.["n"]);
  }

  /** @returns How many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }
}
