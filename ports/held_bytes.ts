/**
 * Counting the bytes of what has not come whole: nobody may hold much of the memory by sending slowly.
 *
 * @module
 */

export interface HeldLimits {
  /** Bytes that one source may have under way. */
  readonly perSourceBytes: number;
  /** Bytes under way of everybody. */
  readonly totalBytes: number;
}

/** What one message or body holds. */
export interface Hold {
  /** @returns Whether there was room; what is held already stays held. */
  grow(bytes: number): boolean;
  /** Gives everything back; what comes later is counted anew. */
  release(): void;
}

/** The bytes under way of one listener, by source. */
export class HeldBytes {
  readonly #limits: HeldLimits;
  readonly #bySource = new Map<string, number>();
  #total = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  get totalBytes(): number {
    return this.#total;
  }

  /** Begins to count for a source. */
  begin(source: string): Hold {
    let held = 0;
    return {
      grow: (bytes) => {
        if (!this.#add(source, bytes)) return false;
        held += bytes;
        return true;
      },
      release: () => {
        if (held > 0) this.#remove(source, held);
        held = 0;
      },
    };
  }

  #add(source: string, bytes: number): boolean {
    const own = (this.#bySource.get(source) ?? 0) + bytes;
    if (own > this.#limits.perSourceBytes) return false;
    if (this.#total + bytes > this.#limits.totalBytes) return false;
    this.#bySource.set(source, own);
    this.#total += bytes;
    return true;
  }

  #remove(source: string, bytes: number): void {
    const left = (this.#bySource.get(source) ?? 0) - bytes;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
    this.#total -= bytes;
  }
}
