/**
 * Checkpoints of a database in a thread of their own, which is started when there is enough to copy.
 *
 * @module
 */
import type { Checkpoints } from "./checkpoints.ts";
import type { Log } from "./ports.ts";
import type { CheckpointCalls } from "./system_checkpoint_thread.ts";
import { fileInDirectory } from "./system_data_directory.ts";
import { ThreadCalls } from "./thread_calls.ts";
import { NO_PERMISSIONS } from "./worker_permissions.ts";

/** What is written in a minute is not worth a thread while it is fewer rows than these. */
const ROWS_A_MINUTE = 100;
const MINUTE_MS = 60_000;
/** How often the thread is told at most. */
const TOLD_EVERY_MS = 500;

interface Running {
  readonly worker: Worker;
  readonly calls: ThreadCalls<CheckpointCalls>;
}

class SystemCheckpoints implements Checkpoints {
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

  constructor(path: string, options: { readonly log: Log; readonly program: URL }) {
    this.#path = path;
    this.#log = options.log;
    this.#program = options.program;
  }

  follow(change: (isElsewhere: boolean) => void): void {
    this.#change = change;
  }

  written(rows: number): void {
    const nowMs = performance.now();
    if (!this.#hasBegun) this.#count(rows, nowMs);
    if (rows === 0 || this.#running === null) return;
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.#running.calls.tell("written", undefined);
  }

  async stop(): Promise<void> {
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
    if (this.#rows >= ROWS_A_MINUTE) this.#start();
  }

  #start(): void {
    this.#hasBegun = true;
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
    calls.call("open", this.#path).then(() => {
      if (this.#running === running) this.#change(true);
    }, fail);
  }
}

/**
 * Checkpoints of a database in a data directory. Where their thread fails, that is logged, and the thread that writes does
 * them again.
 */
export function createCheckpoints(
  directory: string,
  options: { readonly name: string; readonly log: Log; readonly program?: URL },
): Checkpoints {
  const { name, log } = options;
  const program = options.program ?? new URL("./system_checkpoint_thread.ts", import.meta.url);
  return new SystemCheckpoints(fileInDirectory(directory, name), { log, program });
}
