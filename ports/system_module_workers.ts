/**
 * All modules of this process, and the watch over its memory: a limit for a thread's heap does not count typed arrays,
 * and older runtimes have no such limit.
 *
 * @module
 */
import {
  MODULE_LIMITS,
  type ModuleLimits,
  type ModuleStart,
  type ModuleWorker,
  type ModuleWorkers,
} from "./module_workers.ts";
import { SystemModuleWorker } from "./system_module_worker.ts";

/** A thread that fills arrays as fast as it can takes some hundred megabytes in that time. */
const WATCH_MS = 100;

/** A thread that left out so many heartbeats is busy. */
const SILENT_BEATS = 1.5;
/** A module that holds more than this part of what the process may hold is one to suspect. */
const MUCH = 4;

class SystemModuleWorkers implements ModuleWorkers {
  readonly #limits: ModuleLimits;
  readonly #running = new Set<SystemModuleWorker>();
  #watch: ReturnType<typeof setInterval> | null = null;

  constructor(limits: ModuleLimits) {
    this.#limits = limits;
  }

  start(options: ModuleStart): ModuleWorker {
    const worker = new SystemModuleWorker(options, this.#limits);
    this.#running.add(worker);
    this.#watch ??= setInterval(() => this.#checkMemory(), WATCH_MS);
    void worker.ended.then(() => this.#forget(worker));
    return worker;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
  }

  #forget(worker: SystemModuleWorker): void {
    this.#running.delete(worker);
    if (this.#running.size > 0 || this.#watch === null) return;
    clearInterval(this.#watch);
    this.#watch = null;
  }

  #checkMemory(): void {
    const { processBytes } = this.#limits;
    if (Deno.memoryUsage().rss <= processBytes) return;
    const suspects = this.#suspects();
    for (const worker of this.#running) {
      const why = suspects.has(worker) ? "memory_full" : "memory_shared";
      void worker.endFor(why, `The process holds more than ${processBytes} bytes`);
    }
  }

  /** Who may have filled the memory: who is too busy to say, or holds much; all where that fits nobody. */
  #suspects(): ReadonlySet<SystemModuleWorker> {
    const { heartbeatMs, processBytes } = this.#limits;
    const found = [...this.#running].filter((worker) => {
      const { silentMs, memoryBytes } = worker.usage();
      return silentMs > SILENT_BEATS * heartbeatMs || memoryBytes > processBytes / MUCH;
    });
    return found.length > 0 ? new Set(found) : this.#running;
  }
}

/** Modules in Workers of this process. */
export function createModuleWorkers(limits: Partial<ModuleLimits> = {}): ModuleWorkers {
  return new SystemModuleWorkers({ ...MODULE_LIMITS, ...limits });
}
