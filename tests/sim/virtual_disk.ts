/**
 * A disk that outlives the processes that use it, and can be set back to a backup.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { concatBytes } from "../../crypto/encoding.ts";
import type { Files } from "../../ports/ports.ts";
import { copyDatabase, type DatabaseCopy, rebuildDatabase } from "./database_copy.ts";
import type { EventLoop } from "./event_loop.ts";
import { guardDatabase } from "./guarded_database.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { VirtualProcess } from "./virtual_process.ts";

const MAX_WRITE_MS = 4;

/** Everything on a disk at one moment. */
export interface DiskCopy {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly databases: ReadonlyMap<string, DatabaseCopy>;
}

interface PendingWrite {
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly appends: boolean;
}

export class VirtualDisk {
  readonly #loop: EventLoop;
  readonly #random: SeededRandom;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #databases = new Map<string, DatabaseSync>();
  readonly #pending = new Set<PendingWrite>();
  /** When the last write of a name is done: they follow each other in the order of calls. */
  readonly #writtenMs = new Map<string, number>();
  /** A process dies in the call after so many statements that write, or never. */
  statementsUntilCrash: number | null = null;

  constructor(loop: EventLoop, random: SeededRandom) {
    this.#loop = loop;
    this.#random = random;
  }

  /** The content of a file, for tests to look at. */
  peek(name: string): Uint8Array<ArrayBuffer> | null {
    return this.#files.get(name)?.slice() ?? null;
  }

  get fileNames(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Files as one process sees them. */
  filesFor(process: VirtualProcess): Files {
    const never = () => new Promise<never>(() => {});
    return {
      read: (name) => process.isAlive ? Promise.resolve(this.peek(name)) : never(),
      write: (name, content) =>
        process.isAlive ? this.#write(process, name, new Uint8Array(content)) : never(),
      append: (name, content) =>
        process.isAlive ? this.#append(process, name, new Uint8Array(content)) : never(),
      truncate: (name, bytes) => {
        if (!process.isAlive) return never();
        const before = this.#files.get(name);
        if (before !== undefined) this.#files.set(name, before.slice(0, bytes));
        return Promise.resolve();
      },
      list: (prefix) => {
        if (!process.isAlive) return never();
        const names = this.fileNames.filter((name) => name.startsWith(prefix)).sort();
        return Promise.resolve(
          names.map((name) => ({ name, bytes: this.#files.get(name)?.length ?? 0 })),
        );
      },
      remove: (name) => {
        if (!process.isAlive) return never();
        this.#files.delete(name);
        return Promise.resolve();
      },
      copy: (name, newName) => {
        if (!process.isAlive) return never();
        const content = this.#files.get(name);
        if (content !== undefined) this.#files.set(newName, content.slice());
        return Promise.resolve();
      },
      rename: (name, newName) => {
        if (!process.isAlive) return never();
        const content = this.#files.get(name);
        if (content !== undefined) this.#files.set(newName, content);
        this.#files.delete(name);
        return Promise.resolve();
      },
    };
  }

  /** A database as one process sees it: closing it, or dying, leaves its content on the disk. */
  openDatabaseFor(process: VirtualProcess): (name: string) => DatabaseSync {
    return (name) => {
      const database = this.#databases.get(name) ?? new DatabaseSync(":memory:");
      this.#databases.set(name, database);
      return guardDatabase(database, { process, countStatement: () => this.#countStatement() });
    };
  }

  /** What a process that died leaves: each write under way was done or was not, an append also in part. */
  settleCrash(): void {
    for (const { name, content, appends } of this.#pending) {
      if (!this.#random.chance(0.5)) continue;
      const torn = appends && this.#random.chance(0.5)
        ? content.slice(0, this.#random.between(0, content.length - 1))
        : content;
      this.#put({ name, content: torn, appends });
    }
    this.#pending.clear();
    for (const database of this.#databases.values()) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // No transaction was open.
      }
    }
  }

  copy(): DiskCopy {
    const databases = new Map<string, DatabaseCopy>();
    for (const [name, database] of this.#databases) databases.set(name, copyDatabase(database));
    const files = new Map([...this.#files].map(([name, content]) => [name, content.slice()]));
    return { files, databases };
  }

  /** Puts a backup back; no process may be running. `only` names the files and databases meant. */
  restore(copy: DiskCopy, only: (name: string) => boolean = () => true): void {
    for (const name of [...this.#files.keys()].filter(only)) this.#files.delete(name);
    for (const [name, content] of copy.files) {
      if (only(name)) this.#files.set(name, content.slice());
    }
    for (const name of [...this.#databases.keys()].filter(only)) {
      this.#databases.get(name)?.close();
      this.#databases.delete(name);
    }
    for (const [name, database] of copy.databases) {
      if (only(name)) this.#databases.set(name, rebuildDatabase(database));
    }
  }

  close(): void {
    for (const database of this.#databases.values()) database.close();
    this.#databases.clear();
  }

  #write(process: VirtualProcess, name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#schedule(process, { name, content, appends: false });
  }

  #append(process: VirtualProcess, name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#schedule(process, { name, content, appends: true });
  }

  #put({ name, content, appends }: PendingWrite): void {
    const before = appends ? this.#files.get(name) : undefined;
    this.#files.set(name, before === undefined ? content : concatBytes(before, content));
  }

  #schedule(process: VirtualProcess, write: PendingWrite): Promise<void> {
    const { name } = write;
    this.#pending.add(write);
    const soonestMs = this.#loop.nowMs + this.#random.between(0, MAX_WRITE_MS);
    const atMs = Math.max(soonestMs, this.#writtenMs.get(name) ?? 0);
    this.#writtenMs.set(name, atMs);
    return new Promise((resolve) => {
      this.#loop.schedule(atMs - this.#loop.nowMs, () => {
        if (!process.isAlive || !this.#pending.delete(write)) return;
        this.#put(write);
        resolve();
      });
    });
  }

  #countStatement(): boolean {
    if (this.statementsUntilCrash === null) return false;
    if (--this.statementsUntilCrash > 0) return false;
    this.statementsUntilCrash = null;
    return true;
  }
}
