import { concatBytes } from "../../crypto/encoding.ts";
import type { FileInfo, Files } from "../../ports/ports.ts";

/** Files in memory, which outlive the process on them. Writes can be held back, or fail. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, Uint8Array<ArrayBuffer>>();
  isFull = false;
  writes = 0;
  /** Awaited by every write. */
  gate: Promise<void> = Promise.resolve();

  read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return Promise.resolve(this.content.get(name)?.slice() ?? null);
  }

  write(name: string, content: Uint8Array): Promise<void> {
    const copy = new Uint8Array(content);
    return this.#put(name, () => copy);
  }

  append(name: string, content: Uint8Array): Promise<void> {
    const copy = content.slice();
    return this.#put(name, () => concatBytes(this.content.get(name) ?? new Uint8Array(), copy));
  }

  async #put(name: string, contentNow: () => Uint8Array<ArrayBuffer>): Promise<void> {
    this.writes += 1;
    await this.gate;
    if (this.isFull) throw new Error("No space left on device");
    this.content.set(name, contentNow());
  }

  async truncate(name: string, bytes: number): Promise<void> {
    await this.gate;
    const before = this.content.get(name);
    if (before !== undefined) this.content.set(name, before.slice(0, bytes));
  }

  list(prefix: string): Promise<FileInfo[]> {
    const found = [...this.content].filter(([name]) => name.startsWith(prefix));
    return Promise.resolve(
      found.map(([name, { length }]) => ({ name, bytes: length })).sort(byName),
    );
  }

  remove(name: string): Promise<void> {
    this.content.delete(name);
    return Promise.resolve();
  }

  copy(name: string, newName: string): Promise<void> {
    const content = this.content.get(name);
    if (content !== undefined) this.content.set(newName, content);
    return Promise.resolve();
  }

  rename(name: string, newName: string): Promise<void> {
    const content = this.content.get(name);
    if (content !== undefined) this.content.set(newName, content);
    return this.remove(name);
  }

  text(name: string): string {
    return new TextDecoder().decode(this.content.get(name));
  }
}

function byName(a: FileInfo, b: FileInfo): number {
  return a.name < b.name ? -1 : 1;
}
