/**
 * Counting the sockets that carry nothing for this node and yet may be there.
 *
 * @module
 */

/** Far more than an honest source has at a time; many peers behind one proxy are one source. */
const MAX_HELD = 50;

/**
 * Sockets that are not proven, or closed here without a word from the other end, which has a moment to agree before
 * its socket is taken. Each holder, a source of addresses or a peer that was called, gets no more than so many.
 */
export class HeldSockets {
  readonly #counts = new Map<string, number>();

  hasRoom(holder: string): boolean {
    return this.#count(holder) < MAX_HELD;
  }

  /** @returns What ends the counting of this socket; further calls of it do nothing. */
  hold(holder: string): () => void {
    this.#counts.set(holder, this.#count(holder) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.#count(holder) - 1;
      if (left > 0) this.#counts.set(holder, left);
      else this.#counts.delete(holder);
    };
  }

  #count(holder: string): number {
    return this.#counts.get(holder) ?? 0;
  }
}
