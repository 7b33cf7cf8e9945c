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

export interface HoldOptions {
  /** How long it says that it will be; 0 where it says nothing. */
  readonly wholeBytes?: number;
  /** Ends what is being sent. Returns `false` where that has come whole, and then it stays. */
  readonly giveWay?: () => boolean;
}

interface Holder {
  readonly source: string;
  readonly wholeBytes: number;
  readonly giveWay: () => boolean;
  bytes: number;
  /** It gave way: nothing of it is taken any more. */
  isOver: boolean;
}

/** What gives way holds more than so many times what it gives way to. */
const GIVES_WAY_FACTOR = 2;

/** The bytes under way of one listener, by source. */
export class HeldBytes {
  readonly #limits: HeldLimits;
  readonly #bySource = new Map<string, number>();
  /** Those that hold anything. */
  readonly #holders = new Set<Holder>();
  #total = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  get totalBytes(): number {
    return this.#total;
  }

  /**
   * Begins to count for a source. Where there is no room for something small, the largest gives way: many large ones
   * that come slowly do not keep out what is short.
   */
  begin(source: string, options: HoldOptions = {}): Hold {
    const { wholeBytes = 0, giveWay = () => false } = options;
    const holder: Holder = { source, wholeBytes, giveWay, bytes: 0, isOver: false };
    return {
      grow: (bytes) => !holder.isOver && this.#makeRoom(holder, bytes) && this.#add(holder, bytes),
      release: () => this.#release(holder),
    };
  }

  /** @returns Whether there is room now. */
  #makeRoom(holder: Holder, bytes: number): boolean {
    const { perSourceBytes, totalBytes } = this.#limits;
    for (;;) {
      const isSourceFull = (this.#bySource.get(holder.source) ?? 0) + bytes > perSourceBytes;
      if (!isSourceFull && this.#total + bytes <= totalBytes) return true;
      const atLeast = GIVES_WAY_FACTOR * Math.max(holder.wholeBytes, holder.bytes + bytes);
      const largest = this.#largest(isSourceFull ? holder.source : null, atLeast);
      if (largest === null) return false;
      largest.isOver = true;
      this.#release(largest);
    }
  }

  /** Has the largest one give way. @param source Whose; everybody's where it is `null`. */
  #largest(source: string | null, atLeast: number): Holder | null {
    const candidates = [...this.#holders]
      .filter((other) => other.bytes > atLeast && (source === null || other.source === source))
      .sort((a, b) => b.bytes - a.bytes);
    return candidates.find((other) => other.giveWay()) ?? null;
  }

  #add(holder: Holder, bytes: number): true {
    this.#bySource.set(holder.source, (this.#bySource.get(holder.source) ?? 0) + bytes);
    this.#total += bytes;
    holder.bytes += bytes;
    this.#holders.add(holder);
    return true;
  }

  #release(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    const left = (this.#bySource.get(holder.source) ?? 0) - holder.bytes;
    if (left > 0) this.#bySource.set(holder.source, left);
    else this.#bySource.delete(holder.source);
    this.#total -= holder.bytes;
    holder.bytes = 0;
  }
}
