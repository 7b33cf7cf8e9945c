/**
 * Bytes that wait in the relay because somebody reads slowly.
 *
 * @module
 */

/** Whoever has something waiting. */
export interface UnreadHolder {
  /** Gives up all of it: there is no room. */
  drop(): void;
}

/** All that waits, under one cap: beyond it, whoever has most waiting gives way. */
export class Unread {
  readonly #maxBytes: number;
  readonly #holders = new Map<UnreadHolder, number>();
  #bytes = 0;

  /** @param maxBytes 0: no limit. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes === 0 ? Infinity : maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(holder: UnreadHolder, bytes: number): void {
    this.#holders.set(holder, (this.#holders.get(holder) ?? 0) + bytes);
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#dropLargest();
  }

  remove(holder: UnreadHolder, bytes: number): void {
    const held = this.#holders.get(holder);
    if (held === undefined) return;
    const less = Math.min(held, bytes);
    this.#bytes -= less;
    if (held > less) this.#holders.set(holder, held - less);
    else this.#holders.delete(holder);
  }

  /** Forgets all of a holder that has ended. */
  end(holder: UnreadHolder): void {
    this.remove(holder, Infinity);
  }

  #dropLargest(): void {
    let largest: UnreadHolder | null = null;
    let most = 0;
    for (const [holder, bytes] of this.#holders) {
      if (bytes > most) [largest, most] = [holder, bytes];
    }
    if (largest === null) return;
    this.end(largest);
    largest.drop();
  }
}
