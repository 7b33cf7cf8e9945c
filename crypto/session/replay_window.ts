/**
 * The replay window of one receiving direction.
 *
 * @module
 */

/** How many counters the window spans: the highest that opened, and the 1,023 below it. */
export const REPLAY_WINDOW_WIDTH = 1024;

/** Where a counter lies: never seen, seen inside the window, or below it, where nobody can tell. */
export type CounterPlace = "new" | "seen" | "below";

/**
 * Remembers which of the last {@linkcode REPLAY_WINDOW_WIDTH} counters opened. Nothing but {@linkcode ReplayWindow.accept}
 * moves it, and that is called only for frames whose tag verified.
 *
 * @see docs/PROTOCOL.md, "Frames"
 */
export class ReplayWindow {
  /** The highest counter that opened; −1 before the first. */
  #top = -1;
  /** A bit for each counter, 32 to a word: 128 bytes. */
  readonly #seen = new Uint32Array(REPLAY_WINDOW_WIDTH / 32);

  /** @param counter An integer from 0 to 2⁵³. */
  place(counter: number): CounterPlace {
    if (counter > this.#top) return "new";
    if (counter <= this.#top - REPLAY_WINDOW_WIDTH) return "below";
    const at = counter % REPLAY_WINDOW_WIDTH;
    return (this.#seen[at >>> 5]! >>> (at & 31) & 1) === 1 ? "seen" : "new";
  }

  /** Marks a counter whose frame opened, moving the window up to it where it is the highest. */
  accept(counter: number): void {
    if (counter > this.#top) {
      if (counter - this.#top >= REPLAY_WINDOW_WIDTH) this.#seen.fill(0);
      else for (let left = this.#top + 1; left < counter; left++) this.#mark(left, false);
      this.#top = counter;
    }
    if (this.place(counter) !== "below") this.#mark(counter, true);
  }

  #mark(counter: number, isSeen: boolean): void {
    const at = counter % REPLAY_WINDOW_WIDTH;
    const bit = 1 << (at & 31);
    const word = this.#seen[at >>> 5]!;
    this.#seen[at >>> 5] = isSeen ? word | bit : word & ~bit;
  }
}
