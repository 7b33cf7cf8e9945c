/**
 * A copy of what a module keeps, made before an older version of it is let at that, or before all of it is to go.
 *
 * @module
 */
import type { NodeStore } from "../store/store.ts";
import { StoredFiles } from "./module_files.ts";
import { ModuleRows } from "./module_rows.ts";

export interface ModuleCopy {
  /** Which version had kept this. */
  readonly version: string;
  readonly bytes: number;
}

/** Each with the columns behind that of the module. */
const TABLES = {
  module_rows: "key, value",
  module_row_bytes: "bytes",
  module_files: "name, content",
} as const;

/** The one copy that there can be of a module's rows and files. */
export class ModuleCopies {
  readonly #store: NodeStore;
  readonly #module: string;
  /** No module can be called so. */
  readonly #copy: string;

  constructor(store: NodeStore, module: string) {
    this.#store = store;
    this.#module = module;
    this.#copy = `${module}@copy`;
  }

  held(): ModuleCopy | null {
    const row = this.#store.statement("SELECT version FROM module_copies WHERE module = ?")
      .get(this.#module);
    if (row === undefined) return null;
    const rows = new ModuleRows(this.#store, { module: this.#copy });
    const files = new StoredFiles(this.#store, this.#copy);
    return { version: String(row.version), bytes: rows.bytes() + files.bytes() };
  }

  /** Inside a transaction: copies what is kept, in the place of an earlier copy. */
  writeMake(version: string): void {
    this.writeForget();
    this.#writeAll({ from: this.#module, to: this.#copy });
    this.#store.statement("INSERT INTO module_copies (module, version) VALUES (?, ?)")
      .run(this.#module, version);
  }

  /** Inside a transaction: puts what was copied in the place of what is kept now, and forgets the copy. */
  writeBack(): void {
    this.#writeForgetAll(this.#module);
    this.#writeAll({ from: this.#copy, to: this.#module });
    this.writeForget();
  }

  /** Inside a transaction. */
  writeForget(): void {
    this.#writeForgetAll(this.#copy);
    this.#store.statement("DELETE FROM module_copies WHERE module = ?").run(this.#module);
  }

  #writeForgetAll(module: string): void {
    new ModuleRows(this.#store, { module }).writeForget();
    new StoredFiles(this.#store, module).writeForget();
  }

  #writeAll({ from, to }: { from: string; to: string }): void {
    for (const [table, columns] of Object.entries(TABLES)) {
      const sql = `INSERT INTO ${table} (module, ${columns})
        SELECT ?, ${columns} FROM ${table} WHERE module = ?`;
      this.#store.statement(sql).run(to, from);
    }
  }
}
