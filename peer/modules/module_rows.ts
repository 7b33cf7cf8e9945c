/**
 * The rows that a module keeps by their keys, within its quota.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { RowChange, RowRange, StoredRow } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { NodeStore } from "../store/store.ts";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 2 ** 20;
const MAX_CHANGES = 1_000;
const MAX_RANGE = 1_000;
const MAX_RANGE_BYTES = 4 * 2 ** 20;
/** What the rows of one module may take: keys, values, and what a row costs besides. */
export const ROWS_QUOTA_BYTES = 64 * 2 ** 20;
const ROW_COST_BYTES = 64;
/** The database orders keys by their bytes, and a program by their UTF-16: it alone compares them. */
const RANGE =
  "FROM module_rows WHERE module = ? AND key >= max(?, ?) AND key > ? ORDER BY key LIMIT ?";

function checkKey(key: string): void {
  const length = encodeUtf8(key).length;
  if (length === 0 || length > MAX_KEY_BYTES || !key.isWellFormed()) {
    throw new OpenRedError("bad_request", `Expected a key of 1 to ${MAX_KEY_BYTES} bytes`);
  }
}

function checkChange({ key, value }: RowChange): void {
  checkKey(key);
  if (value !== null && value.length > MAX_VALUE_BYTES) {
    throw new OpenRedError("too_large", `Expected a value of at most ${MAX_VALUE_BYTES} bytes`);
  }
}

/** The rows of one module. */
export class ModuleRows {
  readonly #store: NodeStore;
  readonly #module: string;
  readonly #quotaBytes: number;
  readonly #maxRangeBytes: number;

  /** @param options `maxRangeBytes`: what a range returns at most, but for one row, whatever its limit. */
  constructor(
    store: NodeStore,
    options: { module: string; quotaBytes?: number; maxRangeBytes?: number },
  ) {
    this.#store = store;
    this.#module = options.module;
    this.#quotaBytes = options.quotaBytes ?? ROWS_QUOTA_BYTES;
    this.#maxRangeBytes = options.maxRangeBytes ?? MAX_RANGE_BYTES;
  }

  get(key: string): Uint8Array | null {
    checkKey(key);
    const row = this.#store
      .statement("SELECT value FROM module_rows WHERE module = ? AND key = ?")
      .get(this.#module, key);
    return row === undefined ? null : row.value as Uint8Array;
  }

  /** @throws {OpenRedError} `bad_request`, `too_large`. */
  range({ prefix = "", after = "", limit }: RowRange): StoredRow[] {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_RANGE) {
      throw new OpenRedError("bad_request", `Expected a limit of 1 to ${MAX_RANGE}`);
    }
    const given = [this.#module, prefix, after, after] as const;
    // What the values take is asked first, as all rows that were asked for may be far too much at once.
    const sizes = this.#store.statement(`SELECT key, length(value) AS bytes ${RANGE}`)
      .all(...given, limit);
    let bytes = 0;
    const end = sizes.findIndex(({ key, bytes: valueBytes }, index) => {
      const name = String(key);
      bytes += name.length + Number(valueBytes);
      return !name.startsWith(prefix) || (index > 0 && bytes > this.#maxRangeBytes);
    });
    return this.#store.statement(`SELECT key, value ${RANGE}`)
      .all(...given, end < 0 ? limit : end)
      .map(({ key, value }) => ({ key: String(key), value: value as Uint8Array }));
  }

  /**
   * All or nothing.
   * @throws {OpenRedError} `bad_request`; `too_large` beyond the quota, unless the rows become fewer bytes; `overloaded`.
   */
  batch(changes: readonly RowChange[]): Promise<void> {
    if (changes.length > MAX_CHANGES) {
      throw new OpenRedError("bad_request", `Expected at most ${MAX_CHANGES} changes`);
    }
    for (const change of changes) checkChange(change);
    return this.#store.write(() => {
      const before = this.bytes();
      let bytes = before;
      for (const change of changes) bytes += this.#writeChange(change);
      if (bytes > this.#quotaBytes && bytes > before) {
        throw new OpenRedError(
          "too_large",
          `The rows of a module have a quota of ${this.#quotaBytes} bytes`,
        );
      }
      this.#store.statement("INSERT OR REPLACE INTO module_row_bytes (module, bytes) VALUES (?, ?)")
        .run(this.#module, bytes);
    });
  }

  /** What they take of the quota. */
  bytes(): number {
    const row = this.#store.statement("SELECT bytes FROM module_row_bytes WHERE module = ?")
      .get(this.#module);
    return Number(row?.bytes ?? 0);
  }

  /** @returns By how many bytes the rows have grown. */
  #writeChange({ key, value }: RowChange): number {
    const held = this.#store
      .statement("SELECT length(value) AS bytes FROM module_rows WHERE module = ? AND key = ?")
      .get(this.#module, key);
    const freed = held === undefined ? 0 : costOf(key, Number(held.bytes));
    if (value === null) {
      this.#store.statement("DELETE FROM module_rows WHERE module = ? AND key = ?")
        .run(this.#module, key);
      return -freed;
    }
    this.#store.statement(
      "INSERT OR REPLACE INTO module_rows (module, key, value) VALUES (?, ?, ?)",
    )
      .run(this.#module, key, value);
    return costOf(key, value.length) - freed;
  }

  /** Inside a transaction: forgets all of them. */
  writeForget(): void {
    for (const table of ["module_rows", "module_row_bytes"]) {
      this.#store.statement(`DELETE FROM ${table} WHERE module = ?`).run(this.#module);
    }
  }
}

function costOf(key: string, valueBytes: number): number {
  return encodeUtf8(key).length + valueBytes + ROW_COST_BYTES;
}
