/**
 * The write-ahead log of a database: synced by threads of the runtime, and copied by a thread of its own, which is started
 * where there is enough to copy.
 *
 * @module
 */
import type { Log } from "./ports.ts";
import type { CheckpointCalls } from "./system_checkpoint_thread.ts";
import { fileInDirectory } from "./system_data_directory.ts";
import { ThreadCalls } from "./thread_calls.ts";
import { NO_PERMISSIONS } from "./worker_permissions.ts";
import type { WriteAhead } from "./write_ahead.ts";

/** What is written in a minute is not worth a thread while it is fewer rows than these. */
const ROWS_A_MINUTE = 50;
const MINUTE_MS = 60_000;
/** How often the thread is told at most. */
const TOLD_EVERY_MS = 500;

interface Running {
  readonly worker: Worker;
  readonly calls: ThreadCalls<CheckpointCalls>;
}

class SystemWriteAhead implements WriteAhead {
  readonly #path: string;
  readonly #log: Log;
  readonly #program: URL;
  #change: (isElsewhere: boolean) => void = () => {};
  #rows = 0;
  #minuteMs = -Infinity;
  #hasBegun = false;
  #toldMs = -Infinity;
  /** `null` before it is started, and once it has failed. */
  #running: Running | null = null;
  /** SQLite makes it with the first transaction, and keeps it while the database is open. */
  #wal: Deno.FsFile | null = null;

  constructor(path: string, options: { readonly log: Log; readonly program: URL }) {
    this.#path = path;
    this.#log = options.log;
    this.#program = options.program;
  }

  follow(change: (isElsewhere: boolean) => void): void {
    this.#change = change;
  }

  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#start();
  }

  written(rows: number): void {
    const nowMs = performance.now();
    if (!this.#hasBegun) this.#count(rows, nowMs);
    if (rows === 0 || this.#running === null) return;
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.#running.calls.tell("written", undefined);
  }

  async sync(): Promise<void> {
    this.#wal ??= Deno.openSync(`${this.#path}-wal`, { read: true, write: true });
    await this.#wal.syncData();
  }

  async stop(): Promise<void> {
    this.#wal?.close();
    this.#wal = null;
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    await running.calls.call("close", undefined).catch(() => {});
    running.worker.terminate();
  }

  #count(rows: number, nowMs: number): void {
    if (nowMs - this.#minuteMs > MINUTE_MS) {
      this.#minuteMs = nowMs;
      this.#rows = 0;
    }
    this.#rows += rows;
    if (this.#rows >= ROWS_A_MINUTE) this.begin();
  }

  #start(): void {
    const files = ["", "-wal", "-shm"].map((suffix) => this.#path + suffix);
    const worker = new Worker(this.#program.href, {
      type: "module",
      name: "openred-checkpoints",
      deno: { permissions: { ...NO_PERMISSIONS, read: files, write: files } },
    });
    const calls = new ThreadCalls<CheckpointCalls>(worker, {});
    const running = { worker, calls };
    this.#running = running;
    const fail = (error: Error) => {
      calls.end(error);
      worker.terminate();
      if (this.#running !== running) return;
      this.#running = null;
      this.#log.log("warn", "checkpoints_failed", { text: error.message });
      this.#change(false);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(new Error(event.message));
    };
    // What is written until it is ready is copied then.
    this.#change(true);
    calls.call("open", this.#path).catch(fail);
  }
}

/**
 * The write-ahead log of a database in a data directory. Where the thread that copies it fails, that is logged, and the
 * thread that writes does it again.
 */
export function createWriteAhead(
  directory: string,
  options: { readonly name: string; readonly log: Log; readonly program?: URL },
): WriteAhead {
  const { name, log } = options;
  const program = options.program ?? new URL("./system_checkpoint_thread.ts", import.meta.url);
  return new SystemWriteAhead(fileInDirectory(directory, name), { log, program });
}
