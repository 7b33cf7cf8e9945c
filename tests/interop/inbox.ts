/**
 * What arrived and was not looked at yet, with bounded waiting.
 *
 * @module
 */

/** What comes over a real socket comes in real time; nothing waits as long as this unless it fails. */
export const WAIT_MS = 120_000;

/** Keeps what is pushed until somebody takes it. */
export class Inbox<T> {
  readonly #name: string;
  readonly #items: T[] = [];
  #wake: () => void = () => {};

  constructor(name: string) {
    this.#name = name;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Removes and returns the first item that fits. @throws {Error} When none came in time. */
  async take(fits: (item: T) => boolean = () => true, waitMs = WAIT_MS): Promise<T> {
    const endMs = performance.now() + waitMs;
    for (;;) {
      const at = this.#items.findIndex(fits);
      if (at >= 0) return this.#items.splice(at, 1)[0]!;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`Nothing fitting came to ${this.#name} in ${waitMs} ms`);
      await this.#pushed(leftMs);
    }
  }

  async #pushed(waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#wake;
    this.#wake = () => {
      before();
      resolve();
    };
    const timer = setTimeout(resolve, waitMs);
    await promise;
    clearTimeout(timer);
  }
}
