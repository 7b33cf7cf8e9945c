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

/** Until there were so many writes, what has to be copied is not worth a thread. */
const WRITES_BEFORE = 200;
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
  #writes = 0;
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

  written(): void {
    this.#writes += 1;
    if (this.#writes === WRITES_BEFORE) this.#start();
    if (this.#running === null) return;
    const nowMs = performance.now();
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

  #start(): void {
    const files = ["", "-wal", "-shm"].map((suffix) => this.#path + suffix);
    const worker = new Worker(this.#program.href, {
      type: "module",
      name: "openred-checkpoints",
      deno: {
        permissions: {
          read: files,
          write: files,
          env: false,
          ffi: false,
          import: false,
          net: false,
          run: false,
          sys: false,
        },
      },
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
