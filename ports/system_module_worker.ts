/**
 * One module's Worker, as the house holds it.
 *
 * @module
 */
import type { OuterHears, OuterSays } from "./module_worker_messages.ts";
import {
  MAX_MODULE_MESSAGE_BYTES,
  type ModuleEnd,
  type ModuleEndCode,
  type ModuleLimits,
  type ModuleStart,
  type ModuleUsage,
  type ModuleWorker,
} from "./module_workers.ts";
import { TimeShare } from "./time_share.ts";
import { NO_PERMISSIONS } from "./worker_permissions.ts";

/** The Worker only ends its thread by then; where it does not, both are ended together. */
const STOP_MS = 2_000;

/** How much of this thread a module gets for what it says. What it says beyond that waits at its own end. */
const THREAD_SHARE = { share: 1 / 8, burstMs: 25 };

export class SystemModuleWorker implements ModuleWorker {
  readonly ready: Promise<boolean>;
  readonly ended: Promise<ModuleEnd>;
  readonly #worker: Worker;
  readonly #options: ModuleStart;
  readonly #limits: ModuleLimits;
  readonly #resolveReady: (isReady: boolean) => void;
  readonly #resolveEnded: (end: ModuleEnd) => void;
  #waiting: ArrayBuffer[] | null = [];
  #stopTimer: ReturnType<typeof setTimeout> | null = null;
  #stopReason: ModuleEnd | null = null;
  #isOver = false;
  #memoryBytes = 0;
  readonly #share = new TimeShare(performance.now(), THREAD_SHARE);
  /** Until when messages that were taken are not said to be. */
  readonly #pauses = new Set<ReturnType<typeof setTimeout>>();
  #answeredMs = performance.now();

  constructor(options: ModuleStart, limits: ModuleLimits) {
    this.#options = options;
    this.#limits = limits;
    ({ promise: this.ready, resolve: this.#resolveReady } = Promise.withResolvers<boolean>());
    ({ promise: this.ended, resolve: this.#resolveEnded } = Promise.withResolvers<ModuleEnd>());
    this.#worker = new Worker(new URL("./system_module_outer.ts", import.meta.url).href, {
      type: "module",
      name: "openred-module",
      deno: { permissions: NO_PERMISSIONS },
    });
    this.#worker.onmessage = (event: MessageEvent<OuterSays | ArrayBuffer>) =>
      this.#receive(event.data);
    this.#worker.onmessageerror = () => this.#finish("bad_message", "It cannot be read");
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#finish("failed", event.message);
    };
  }

  post(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length > MAX_MODULE_MESSAGE_BYTES) {
      throw new RangeError(
        `Expected at most ${MAX_MODULE_MESSAGE_BYTES} bytes for a module, received ${bytes.length}`,
      );
    }
    // What is a part of a larger buffer must not take the rest along.
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    const buffer = isWhole ? bytes.buffer.transfer() : bytes.slice().buffer;
    if (this.#waiting === null) this.#say(buffer);
    else this.#waiting.push(buffer);
  }

  terminate(): Promise<ModuleEnd> {
    return this.endFor("stopped", "Its owner ended it");
  }

  /** Ends the thread, for a reason that lies outside it. */
  endFor(why: ModuleEndCode, detail: string): Promise<ModuleEnd> {
    if (this.#stopReason === null && !this.#isOver) {
      this.#stopReason = { why, detail };
      this.#waiting = null;
      this.#say("stop");
      this.#stopTimer = setTimeout(() => this.#finish(why, detail), STOP_MS);
    }
    return this.ended;
  }

  usage(): ModuleUsage {
    return { memoryBytes: this.#memoryBytes, silentMs: performance.now() - this.#answeredMs };
  }

  #say(message: OuterHears): void {
    if (this.#isOver) return;
    this.#worker.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  }

  #receive(message: OuterSays | ArrayBuffer): void {
    if (message instanceof ArrayBuffer) return this.#hand(message);
    switch (message.kind) {
      case "ready":
        return this.#start();
      case "loaded":
        return this.#loaded();
      case "alive":
        this.#memoryBytes = message.memoryBytes;
        this.#answeredMs = performance.now();
        return;
      case "end":
        return this.#finish(message.why, message.detail);
    }
  }

  #hand(message: ArrayBuffer): void {
    if (this.#stopReason !== null || this.#isOver) return;
    const startMs = performance.now();
    const isOwnDoing = this.#options.onMessage(new Uint8Array(message));
    const endMs = performance.now();
    const pauseMs = isOwnDoing ? this.#share.spent(endMs - startMs, endMs) : 0;
    if (pauseMs === 0) return this.#say("taken");
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      this.#say("taken");
    }, pauseMs);
    this.#pauses.add(timer);
  }

  #start(): void {
    if (this.#stopReason !== null) return this.#finish("stopped", "");
    const { name, code, guest, heapMiB } = this.#options;
    const { processBytes: _, ...limits } = this.#limits;
    this.#say({ name, code, guest, heapMiB, limits });
  }

  #loaded(): void {
    if (this.#stopReason !== null) return;
    for (const message of this.#waiting ?? []) this.#say(message);
    this.#waiting = null;
    this.#resolveReady(true);
  }

  #finish(why: ModuleEndCode, detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.terminate();
    this.#waiting = null;
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    for (const timer of this.#pauses) clearTimeout(timer);
    this.#resolveReady(false);
    this.#resolveEnded(this.#stopReason ?? { why, detail });
  }
}
