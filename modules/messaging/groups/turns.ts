/**
 * One thing after the other for each key: what is signed names what was signed before it.
 *
 * @module
 */

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` once everything before it of this key has ended, however it did. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
