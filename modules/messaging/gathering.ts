/**
 * Work that costs less for many at once than for each.
 *
 * @module
 */
import type { ModuleClock } from "../api.ts";

/** So many at a time: others of this node have their turn in between. */
export const MAX_LOT = 512;

/**
 * Works on what was added in one turn of the event loop together, one lot after the other: what is added meanwhile waits
 * for its turn, so that all keeps its order.
 */
export class Gathering<T> {
  readonly #clock: ModuleClock;
  readonly #work: (lot: readonly T[]) => Promise<void>;
  readonly #waiting: T[] = [];
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
    await this.#work(this.#waiting.splice(0, MAX_LOT));
    this.#isWorking = false;
    if (this.#waiting.length > 0) this.#workSoon();
  }
}
