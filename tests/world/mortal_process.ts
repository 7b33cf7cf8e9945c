/**
 * A process that dies at a chosen change of its data directory.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { RestoreTarget } from "../../peer/backup/restore.ts";
import { createOpenDatabase, openFiles } from "../../ports/system.ts";

/** How it ends. */
class Killed extends Error {}

/** A process that ends at one of its changes, before it reached the disk, after it, or in the middle of it. */
export class MortalProcess {
  readonly #endsAt: number;
  readonly #how: "before" | "after" | "within";
  #changes = 0;

  constructor(endsAt: number, how: "before" | "after" | "within") {
    this.#endsAt = endsAt;
    this.#how = how;
  }

  /** What reads and writes a data directory for as long as the process lives. */
  on(data: string): RestoreTarget {
    const files = openFiles(data);
    const change = (apply: () => Promise<void>, half = apply) => this.#changeFile(apply, half);
    const open = createOpenDatabase(data);
    return {
      files: {
        read: (name) => files.read(name),
        list: (prefix) => files.list(prefix),
        write: (name, content) => change(() => files.write(name, content)),
        append: (name, content) =>
          change(
            () => files.append(name, content),
            () => files.append(name, content.subarray(0, content.length >> 1)),
          ),
        truncate: (name, bytes) => change(() => files.truncate(name, bytes)),
        remove: (name) => change(() => files.remove(name)),
        copy: (name, newName) => change(() => files.copy(name, newName)),
        rename: (name, newName) => change(() => files.rename(name, newName)),
      },
      openDatabase: (name) => this.#guard(open(name)),
    };
  }

  async #changeFile(apply: () => Promise<void>, half: () => Promise<void>): Promise<void> {
    const isEnd = this.#step();
    if (!isEnd || this.#how === "after") await apply();
    else if (this.#how === "within") await half();
    if (isEnd) throw new Killed();
  }

  /** A dead process rolls nothing back; SQLite does when the database is opened again. */
  #guard(database: DatabaseSync): DatabaseSync {
    return new Proxy(database, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (key !== "exec") return member.bind(target);
        return (sql: string) => {
          const isEnd = this.#step();
          if (!isEnd || this.#how === "after") target.exec(sql);
          if (isEnd) throw new Killed();
        };
      },
    });
  }

  #step(): boolean {
    this.#changes += 1;
    if (this.#changes > this.#endsAt) throw new Killed();
    return this.#changes === this.#endsAt;
  }
}

/** Whether an error came of a process' end. */
export function isKilled(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Killed) return true;
  }
  return false;
}
