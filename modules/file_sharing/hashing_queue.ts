/**
 * Hashes what is to be shared, one share after the other, and says how far each has come.
 *
 * @module
 */
import type { ModuleContext } from "../api.ts";

/** How much of a share is hashed. */
export interface HashingProgress {
  bytes: number;
}

interface QueueParts extends Pick<ModuleContext, "log"> {
  readonly hash: (id: string, progress: HashingProgress) => Promise<void>;
}

/** The shares that wait to be hashed. */
export class HashingQueue {
  readonly #parts: QueueParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<string, HashingProgress>();
  #last: Promise<void> = Promise.resolve();

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Fires when it stops. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  add(id: string): void {
    const { hash, log } = this.#parts;
    const progress = { bytes: 0 };
    this.#waiting.set(id, progress);
    this.#last = this.#last.then(() => hash(id, progress)).catch((error) => {
      if (!this.signal.aborted) log.log("error", "hashing_failed", { text: String(error) });
    }).finally(() => this.#waiting.delete(id));
  }

  /** Of one that does not wait: 0. */
  hashedBytes(id: string): number {
    return this.#waiting.get(id)?.bytes ?? 0;
  }

  /** Ends what is under way; nothing is added any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#last;
  }
}
