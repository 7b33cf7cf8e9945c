/**
 * Starts the Worker of the core, with so little code that a program can do it before anything else.
 *
 * @module
 */
import { WORKER_READY } from "./bridge/worker_messages.ts";
import { CryptoError } from "./interface.ts";

/** How the Worker is started: it may compute, and nothing else. `worker_guard.ts` shuts what this leaves open. */
export const CRYPTO_WORKER_OPTIONS: WorkerOptions = {
  type: "module",
  name: "openred-crypto",
  deno: { permissions: "none" },
};

/** A Worker that nobody has asked for anything yet. */
export class StartedWorker {
  readonly worker: Worker;
  readonly #isReady = Promise.withResolvers<void>();
  #failure: CryptoError | null = null;

  /** Takes over a Worker that was made in this turn of the event loop. */
  constructor(worker: Worker) {
    this.worker = worker;
    // Whoever asks hears of it.
    this.#isReady.promise.catch(() => {});
    worker.onmessage = ({ data }) => {
      if (data === WORKER_READY) this.#isReady.resolve();
      else this.#fail("The crypto worker did not start");
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`The crypto worker did not start: ${event.message}`);
    };
  }

  /**
   * Resolves when it can be asked.
   * @throws {CryptoError} `core_failed` if it did not start, or has failed since.
   */
  async ready(): Promise<void> {
    await this.#isReady.promise;
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(reason: string): void {
    this.#failure = new CryptoError("core_failed", reason);
    this.worker.terminate();
    this.#isReady.reject(this.#failure);
  }
}

/** Starts the Worker of the core. */
export function startCryptoWorker(): StartedWorker {
  const url = new URL("./worker.ts", import.meta.url);
  return new StartedWorker(new Worker(url.href, CRYPTO_WORKER_OPTIONS));
}
