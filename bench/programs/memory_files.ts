/**
 * Files that are gone with the process: what a node costs without its disk.
 *
 * @module
 */
import { concatBytes } from "../../crypto/encoding.ts";
import type { FileInfo, Files } from "../../ports/ports.ts";

/** {@linkcode Files} in memory. What is appended is joined when it is read. */
export class MemoryFiles implements Files {
  readonly #content = new Map<string, Uint8Array[]>();

  read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const parts = this.#content.get(name);
    return Promise.resolve(parts === undefined ? null : concatBytes(...parts));
  }

  write(name: string, content: Uint8Array): Promise<void> {
    this.#content.set(name, [content.slice()]);
    return Promise.resolve();
  }

  append(name: string, content: Uint8Array): Promise<void> {
    const parts = this.#content.get(name) ?? [];
    this.#content.set(name, parts);
    parts.push(content.slice());
    return Promise.resolve();
  }

  async truncate(name: string, bytes: number): Promise<void> {
    const before = await this.read(name);
    if (before !== null) this.#content.set(name, [before.slice(0, bytes)]);
  }

  list(prefix: string): Promise<readonly FileInfo[]> {
    const names = [...this.#content.keys()].filter((name) => name.startsWith(prefix)).sort();
    return Promise.resolve(names.map((name) => ({
      name,
      bytes: this.#content.get(name)!.reduce((sum, { length }) => sum + length, 0),
    })));
  }

  remove(name: string): Promise<void> {
    this.#content.delete(name);
    return Promise.resolve();
  }

  copy(name: string, newName: string): Promise<void> {
    const parts = this.#content.get(name);
    if (parts !== undefined) this.#content.set(newName, [...parts]);
    return Promise.resolve();
  }

  rename(name: string, newName: string): Promise<void> {
    const parts = this.#content.get(name);
    if (parts !== undefined) this.#content.set(newName, parts);
    return this.remove(name);
  }
}
