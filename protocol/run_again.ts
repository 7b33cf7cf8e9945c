/**
 * Work that is wanted again and again.
 *
 * @module
 */

/** Runs its work once at a time, and once more where it was wanted meanwhile: of several wishes the last counts for all. */
export class RunAgain {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | null = null;
  #isWanted = false;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /**
   * Resolves once the work has been done that begins from now on.
   * @throws What the work throws where it was not wanted again meanwhile.
   */
  run(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#runAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #runAll(): Promise<void> {
    for (;;) {
      this.#isWanted = false;
      try {
        await this.#work();
      } catch (error) {
        if (!this.#isWanted) throw error;
      }
      if (!this.#isWanted) return;
    }
  }
}
