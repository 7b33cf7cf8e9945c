/**
 * How much a node has under way from one peer, over all that it fetches there: who waits longest goes first, so that
 * transfers share fairly, and memory is bounded.
 *
 * @module
 */

/** The window of one peer. */
export class PeerWindow {
  readonly #most: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param most So much may be under way at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Waits for room for one more.
   * @returns What gives it back; to be called once or more.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken < this.#most) this.#taken += 1;
    else await this.#turn(signal);
    let isHeld = true;
    return () => {
      if (isHeld) this.#leave();
      isHeld = false;
    };
  }

  /** The room passes from hand to hand, so it stays taken. */
  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const enter = () => {
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const stop = () => {
      this.#waiting.splice(this.#waiting.indexOf(enter), 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    this.#waiting.push(enter);
    return promise;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
