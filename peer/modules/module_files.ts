/**
 * The files of a module: they lie in the node's database, so that they are in its transactions and its backups.
 *
 * @module
 */
import type { ModuleFiles } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { NodeStore } from "../store/store.ts";

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/;
const MAX_FILES = 256;
const MAX_FILE_BYTES = 2 ** 20;

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new OpenRedError(
    "bad_request",
    "Expected a name of 1 to 64 of A–Z a–z 0–9 _ . -, no dot first",
  );
}

/** The files of one module. */
export class StoredFiles implements ModuleFiles {
  readonly #store: NodeStore;
  readonly #module: string;

  constructor(store: NodeStore, module: string) {
    this.#store = store;
    this.#module = module;
  }

  read(name: string): Promise<Uint8Array | null> {
    checkName(name);
    const row = this.#store
      .statement("SELECT content FROM module_files WHERE module = ? AND name = ?")
      .get(this.#module, name);
    return Promise.resolve(row === undefined ? null : row.content as Uint8Array);
  }

  /** @throws {OpenRedError} `bad_request`; `too_large` for a file of over 1 MiB, or the 257th; `overloaded`. */
  write(name: string, content: Uint8Array): Promise<void> {
    checkName(name);
    if (content.length > MAX_FILE_BYTES) {
      throw new OpenRedError("too_large", `Expected a file of at most ${MAX_FILE_BYTES} bytes`);
    }
    return this.#store.write(() => {
      this.#store.statement(
        "INSERT OR REPLACE INTO module_files (module, name, content) VALUES (?, ?, ?)",
      ).run(this.#module, name, content);
      if (this.#count() <= MAX_FILES) return;
      throw new OpenRedError("too_large", `A module has at most ${MAX_FILES} files`);
    });
  }

  remove(name: string): Promise<void> {
    checkName(name);
    return this.#store.write(() => {
      this.#store.statement("DELETE FROM module_files WHERE module = ? AND name = ?")
        .run(this.#module, name);
    });
  }

  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
    const rows = this.#store.statement(
      "SELECT name, length(content) AS bytes FROM module_files WHERE module = ? ORDER BY name",
    ).all(this.#module);
    return Promise.resolve(
      rows.map(({ name, bytes }) => ({ name: String(name), bytes: Number(bytes) })),
    );
  }

  #count(): number {
    const row = this.#store.statement("SELECT count(*) AS count FROM module_files WHERE module = ?")
      .get(this.#module);
    return Number(row?.count);
  }

  bytes(): number {
    const row = this.#store.statement(
      "SELECT coalesce(sum(length(content)), 0) AS bytes FROM module_files WHERE module = ?",
    ).get(this.#module);
    return Number(row?.bytes);
  }

  /** Inside a transaction: forgets all of them. */
  writeForget(): void {
    this.#store.statement("DELETE FROM module_files WHERE module = ?").run(this.#module);
  }
}
