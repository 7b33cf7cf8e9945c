/**
 * A disk that outlives the processes on it: they die at any step of writing, or find it full.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import { createOpenDatabase, systemClock } from "../../ports/system.ts";
import { MemoryFiles } from "../world/memory_files.ts";

class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

const FULL = "No space left on device (os error 28)";
const WRITING: ReadonlySet<PropertyKey> = new Set(["exec", "run"]);

/** SQLite rolls back what was not committed, as it does at the next start after a power cut. */
function abandon(database: DatabaseSync): void {
  try {
    database.close();
  } catch {
    // It is closed already; Deno 2.4 cannot be asked for that.
  }
}

/** One process's view of the disk, and its clock. A dead one does nothing any more. */
export class MortalProcess {
  readonly #disk: MortalDisk;
  readonly #lastStep: number;
  readonly #databases = new Set<DatabaseSync>();
  readonly #timers = new Set<() => void>();
  readonly #died = Promise.withResolvers<"died">();
  steps = 0;
  isAlive = true;

  constructor(disk: MortalDisk, lastStep: number) {
    this.#disk = disk;
    this.#lastStep = lastStep;
  }

  get died(): Promise<"died"> {
    return this.#died.promise;
  }

  readonly clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs(),
    setTimer: (delayMs, callback) => {
      if (!this.isAlive) return () => {};
      const cancel = systemClock.setTimer(delayMs, () => {
        this.#timers.delete(cancel);
        callback();
      });
      this.#timers.add(cancel);
      return () => {
        this.#timers.delete(cancel);
        cancel();
      };
    },
  };

  get files(): Files {
    const { files } = this.#disk;
    return {
      read: (name) => files.read(name),
      list: (prefix) => files.list(prefix),
      write: (name, content) => this.#change(() => files.write(name, content)),
      truncate: (name, bytes) => this.#change(() => files.truncate(name, bytes)),
      remove: (name) => this.#change(() => files.remove(name)),
      copy: (name, newName) => this.#change(() => files.copy(name, newName)),
      rename: (name, newName) => this.#change(() => files.rename(name, newName)),
      append: (name, content) => {
        const part = content.subarray(0, Math.floor(content.length / 2));
        return this.#change(
          () => files.append(name, content),
          // A part of what is appended may be there when the process dies or the disk is full.
          () => files.append(name, part),
        );
      },
    };
  }

  async #change(change: () => Promise<void>, broken?: () => Promise<void>): Promise<void> {
    // A real one takes its time, and others go on meanwhile.
    await Promise.resolve();
    const isLast = this.#isLastStep();
    if (this.isAlive && (isLast || this.#disk.isFull)) await broken?.();
    if (this.#disk.isFull) throw new Error(FULL);
    if (isLast) this.kill();
    if (!this.isAlive) await new Promise<never>(() => {});
    await change();
  }

  readonly openDatabase: OpenDatabase = (name) => {
    const database = this.#disk.openDatabase(name);
    this.#databases.add(database);
    return this.#guard(database);
  };

  kill(): void {
    this.isAlive = false;
    for (const cancel of this.#timers) cancel();
    for (const database of this.#databases) abandon(database);
    this.#died.resolve("died");
  }

  #isLastStep(): boolean {
    this.steps += 1;
    return this.steps === this.#lastStep;
  }

  #guard<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const member: unknown = Reflect.get(object, key, object);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => this.#call(key, () => Reflect.apply(member, object, args));
      },
    });
  }

  #call(key: PropertyKey, call: () => unknown): unknown {
    if (!this.isAlive) throw new ProcessDied("The process is dead");
    if (!WRITING.has(key)) {
      const result = call();
      return key === "prepare" ? this.#guard(result as object) : result;
    }
    if (this.#disk.isFull) throw new Error("database or disk is full");
    if (!this.#isLastStep()) return call();
    this.kill();
    throw new ProcessDied("The process died in a database call");
  }
}

export class MortalDisk {
  readonly files = new MemoryFiles();
  readonly openDatabase: OpenDatabase;
  /** Whether nothing can be written now. */
  isFull = false;

  constructor(folder: string) {
    const openDatabase = createOpenDatabase(folder);
    this.openDatabase = (name) => {
      const database = openDatabase(name);
      // Processes die here, the machine does not: no commit need wait for the real disk, thousands of times.
      database.exec("PRAGMA synchronous = OFF");
      return database;
    };
  }

  /** @param lastStep The process dies before this step of writing, counted from 1. */
  boot(lastStep = Infinity): MortalProcess {
    return new MortalProcess(this, lastStep);
  }
}
