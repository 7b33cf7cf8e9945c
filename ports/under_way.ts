/**
 * What was read and is being worked on: where that is too much, the reading waits.
 *
 * @module
 */

export interface UnderWayLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
}

/** Counts work under way for one that brings more of it. */
export class UnderWay {
  readonly #limits: UnderWayLimits;
  readonly #waiting = new Set<() => void>();
  #count = 0;
  #bytes = 0;

  constructor(limits: UnderWayLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.maxCount || this.#bytes >= this.#limits.maxBytes;
  }

  get isIdle(): boolean {
    return this.#count === 0;
  }

  /** Counts work in one piece or several. @returns What ends it; further calls of it do nothing. */
  begin(bytes: number, count = 1): () => void {
    this.#count += count;
    this.#bytes += bytes;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#count -= count;
      this.#bytes -= bytes;
      if (!this.isFull) this.#wake();
    };
  }

  /** Resolves as soon as there is room. */
  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
