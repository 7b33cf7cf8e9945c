/**
 * Where the code of third-party modules runs: each file in a thread of its own that can compute, and exchange bytes
 * with the house, and nothing else.
 *
 * @module
 */

/**
 * Why a module's thread is over.
 * - `stopped`: its owner ended it.
 * - `import_refused`: its file imports something, or could.
 * - `load_failed`: its file is no JavaScript, or threw while it was run for the first time.
 * - `start_timeout`: its file did not come to its end in time.
 * - `failed`: something it threw later was caught by nobody.
 * - `heap_full`: it went beyond its own heap.
 * - `memory_full`: the whole process was above its limit, and this module may have filled it.
 * - `memory_shared`: the whole process was above its limit, for which all modules end; another one filled it.
 * - `unresponsive`: it did not give its thread free for too long.
 * - `exited`: its thread ended by itself.
 * - `bad_message`: it posted something else than bytes.
 * - `message_too_long`: it posted too many bytes at once.
 * - `flood`: it posted more than its queue holds.
 */
export type ModuleEndCode =
  | "stopped"
  | "import_refused"
  | "load_failed"
  | "start_timeout"
  | "failed"
  | "heap_full"
  | "memory_full"
  | "memory_shared"
  | "unresponsive"
  | "exited"
  | "bad_message"
  | "message_too_long"
  | "flood";

export interface ModuleEnd {
  readonly why: ModuleEndCode;
  /** For people. Written by the module in part: at most 500 characters, to be shown as a quotation. */
  readonly detail: string;
}

/** What one module used, as far as its thread has told. */
export interface ModuleUsage {
  /** Heap and typed arrays of its thread when it last answered. */
  readonly memoryBytes: number;
  /** How long ago its thread last answered; more than a second or two means that it is busy. */
  readonly silentMs: number;
}

/** What a module's thread is started with. */
export interface ModuleStart {
  /** For stack traces. */
  readonly name: string;
  /** The text of one JavaScript file, which imports nothing and may export a default. */
  readonly code: string;
  /**
   * The text of a function expression of the house, `(port) => (exported) => void`. It runs beside the file, but before
   * it, and is the only one to see `port`: `post(bytes)` and `listen((bytes) => void)`. What it returns is called with
   * the file's default export.
   */
  readonly guest: string;
  /** What its heap may grow to. Deno 2.4.2 has no such limit: there only that of the process holds. */
  readonly heapMiB: number;
  /**
   * Takes what the module posted, in order. Must not throw.
   * @returns Whether nobody has asked for it, so that the time it took is the module's.
   */
  onMessage(bytes: Uint8Array<ArrayBuffer>): boolean;
}

/** The thread of one module. */
export interface ModuleWorker {
  /** Whether the file has been run; `false` once it has ended before that. Never rejects. */
  readonly ready: Promise<boolean>;
  /** Resolves when the thread is gone. Never rejects. */
  readonly ended: Promise<ModuleEnd>;
  /**
   * Sends bytes, which are transferred: the array is empty afterwards. What is posted before the file has run arrives
   * after it; what is posted after the end is dropped.
   * @throws {RangeError} Beyond {@linkcode MAX_MODULE_MESSAGE_BYTES}.
   */
  post(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the thread, whatever it is doing. Nothing is handed over after this call. */
  terminate(): Promise<ModuleEnd>;
  usage(): ModuleUsage;
}

/** Starts modules, and ends them all when the process needs too much memory. */
export interface ModuleWorkers {
  start(options: ModuleStart): ModuleWorker;
  /** Ends all. */
  stop(): Promise<void>;
}

/** The longest message between a module and the house, either way. */
export const MAX_MODULE_MESSAGE_BYTES = 2 ** 20;

/** What all modules of a process are held to. */
export interface ModuleLimits {
  /** How long a module may run at a stretch, promise jobs included. */
  readonly turnMs: number;
  /** How often each thread is asked whether it is there. */
  readonly heartbeatMs: number;
  /** A thread that does not answer for so long is ended. Only code that got out of its realm comes to that. */
  readonly unresponsiveMs: number;
  /** A file must have been run by then. */
  readonly startMs: number;
  /** What the whole process may hold in memory; beyond it all modules are ended. */
  readonly processBytes: number;
}

export const MODULE_LIMITS: ModuleLimits = {
  turnMs: 2_000,
  heartbeatMs: 1_000,
  unresponsiveMs: 10_000,
  startMs: 10_000,
  processBytes: 2 ** 30,
};
