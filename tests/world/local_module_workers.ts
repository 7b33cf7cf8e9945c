/**
 * Modules from files in this thread: the guest and the file are real, and so is every message, but a test says when a
 * thread ends and why.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type {
  ModuleEnd,
  ModuleEndCode,
  ModuleStart,
  ModuleWorker,
  ModuleWorkers,
} from "../../ports/module_workers.ts";

type Guest = (port: {
  post(bytes: Uint8Array<ArrayBuffer>): void;
  listen(listener: (bytes: Uint8Array) => void): void;
}) => (exported: unknown) => void;

export class LocalModuleWorker implements ModuleWorker {
  readonly ready: Promise<boolean>;
  readonly ended: Promise<ModuleEnd>;
  readonly code: string;
  readonly #resolve: (end: ModuleEnd) => void;
  #listener: (bytes: Uint8Array) => void = () => {};
  #isOver = false;

  constructor({ code, guest, onMessage }: ModuleStart) {
    this.code = code;
    ({ promise: this.ended, resolve: this.#resolve } = Promise.withResolvers<ModuleEnd>());
    this.ready = Promise.resolve(true);
    setImmediate(() => {
      try {
        const makeGuest = new Function(`return (${guest});`)() as Guest;
        const takeExport = makeGuest({
          post: (bytes) => this.#isOver || onMessage(bytes),
          listen: (listener) => this.#listener = listener,
        });
        takeExport(new Function(code.replace("export default", "return"))());
      } catch (error) {
        this.end("load_failed", String(error));
      }
    });
  }

  post(bytes: Uint8Array<ArrayBuffer>): void {
    setImmediate(() => this.#isOver || this.#listener(bytes));
  }

  terminate(): Promise<ModuleEnd> {
    this.end("stopped", "");
    return this.ended;
  }

  /** The thread is gone. */
  end(why: ModuleEndCode, detail = ""): void {
    this.#isOver = true;
    this.#resolve({ why, detail });
  }

  usage() {
    return { memoryBytes: 0, silentMs: 0 };
  }
}

export class LocalModuleWorkers implements ModuleWorkers {
  /** All that were ever started, oldest first. */
  readonly started: LocalModuleWorker[] = [];

  start(options: ModuleStart): ModuleWorker {
    const worker = new LocalModuleWorker(options);
    this.started.push(worker);
    return worker;
  }

  /** The last one of a module. @throws {TypeError} Where there was none. */
  last(name: string): LocalModuleWorker {
    const found = this.started.findLast(({ code }) => code.includes(`"name":"${name}"`));
    if (found === undefined) throw new TypeError(`No thread of ${name} was started`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.started.map((worker) => worker.terminate()));
  }
}
