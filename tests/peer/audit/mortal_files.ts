/** Files in memory that can fail, and can die in the middle of a write. */
import { concatBytes } from "../../../crypto/encoding.ts";
import type { FileInfo, Files } from "../../../ports/ports.ts";

export class DiskFull extends Error {
  override readonly name = "DiskFull";
}

type Change =
  | { readonly kind: "write" | "append"; readonly name: string; readonly content: Uint8Array }
  | { readonly kind: "truncate"; readonly name: string; readonly bytes: number }
  | { readonly kind: "remove"; readonly name: string };

export class MortalFiles implements Files {
  readonly content = new Map<string, Uint8Array<ArrayBuffer>>();
  isFull = false;
  /** How many bytes of an append a full disk still takes. */
  bytesBeforeFull = 0;
  /** What the database beside them remembers of the log. */
  mark: number | null = null;
  /** What the database is to remember with its next write. */
  noted: number | null = null;
  /** What a nearly full disk has left: a longer append fails and is taken back. */
  freeBytes = Infinity;
  changes = 0;
  /** The change in which the process dies; of an append, `tornBytes` are left. */
  diesAt = Infinity;
  tornBytes = 0;
  isDead = false;
  onDeath: () => void = () => {};

  get logNames(): readonly string[] {
    return [...this.content.keys()].filter((name) => name.endsWith(".jsonl")).sort();
  }

  twin(): MortalFiles {
    const files = new MortalFiles();
    for (const [name, content] of this.content) files.content.set(name, content.slice());
    files.mark = this.mark;
    return files;
  }

  read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#alive(() => this.content.get(name)?.slice() ?? null);
  }

  write(name: string, content: Uint8Array): Promise<void> {
    return this.#change({ kind: "write", name, content: content.slice() });
  }

  append(name: string, content: Uint8Array): Promise<void> {
    return this.#change({ kind: "append", name, content: content.slice() });
  }

  truncate(name: string, bytes: number): Promise<void> {
    return this.#change({ kind: "truncate", name, bytes });
  }

  remove(name: string): Promise<void> {
    return this.#change({ kind: "remove", name });
  }

  async copy(name: string, newName: string): Promise<void> {
    const content = await this.read(name);
    if (content !== null) await this.write(newName, content);
  }

  async rename(name: string, newName: string): Promise<void> {
    const content = await this.read(name);
    if (content !== null) await this.write(newName, content);
    await this.remove(name);
  }

  list(prefix: string): Promise<readonly FileInfo[]> {
    return this.#alive(() =>
      [...this.content.keys()].filter((name) => name.startsWith(prefix)).sort()
        .map((name) => ({ name, bytes: this.content.get(name)!.length }))
    );
  }

  async #change(change: Change): Promise<void> {
    await this.#alive(() => null);
    this.changes += 1;
    if (this.changes >= this.diesAt) {
      if (change.kind === "append") this.#put(change, this.tornBytes);
      else if (this.tornBytes > 0) this.#put(change);
      this.isDead = true;
      this.onDeath();
      await this.#alive(() => null);
    }
    if (this.isFull && (change.kind === "append" || change.kind === "write")) {
      if (change.kind === "append") this.#put(change, this.bytesBeforeFull);
      throw new DiskFull("No space left on device");
    }
    if (change.kind === "append" && change.content.length > this.freeBytes) {
      throw new DiskFull("No space left on device");
    }
    this.#put(change);
  }

  #put(change: Change, bytes = Infinity): void {
    if (change.kind === "remove") return void this.content.delete(change.name);
    if (change.kind === "truncate") {
      const whole = this.content.get(change.name);
      if (whole !== undefined) this.content.set(change.name, whole.slice(0, change.bytes));
      return;
    }
    const { name, content } = change;
    const before = change.kind === "append" ? this.content.get(name) : undefined;
    this.content.set(name, concatBytes(before ?? new Uint8Array(), content.slice(0, bytes)));
  }

  #alive<T>(work: () => T): Promise<T> {
    return this.isDead ? new Promise<never>(() => {}) : Promise.resolve().then(work);
  }
}
