/**
 * Work that costs less for many at once than for each.
 *
 * @module
 */
import type { ModuleClock } from "../api.ts";

/**
 * Works on what was added in one turn of the event loop together, one lot after the other: what is added meanwhile waits
 * for its turn, so that all keeps its order.
 */
export class Gathering<T> {
  readonly #clock: ModuleClock;
  readonly #work: (lot: readonly T[]) => Promise<void>;
  #waiting: T[] = [];
  #isWorking = false;

  /** @param work Must not reject, and wait for nothing that may take long. */
  constructor(clock: ModuleClock, work: (lot: readonly T[]) => Promise<void>) {
    this.#clock = clock;
    this.#work = work;
  }

  add(one: T): void {
    this.#waiting.push(one);
    if (!this.#isWorking) this.#workSoon();
  }

  #workSoon(): void {
    this.#isWorking = true;
    this.#clock.setTimer(0, () => void this.#workOn());
  }

  async #workOn(): Promise<void> {
    const lot = this.#waiting;
    this.#waiting = [];
    await this.#work(lot);
    this.#isWorking = false;
    if (this.#waiting.length > 0) this.#workSoon();
  }
}
