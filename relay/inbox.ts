/**
 * What a node sent on one stream, until its caller has taken it.
 *
 * @module
 */
import type { Unread, UnreadHolder } from "./unread.ts";

export interface InboxPart {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly isLast: boolean;
  readonly cost: number;
}

/** A queue with one reader; how much is in it is bounded by the credit of its stream. */
export class Inbox implements UnreadHolder {
  readonly #unread: Unread;
  readonly #dropped: () => void;
  readonly #parts: InboxPart[] = [];
  #wake: (() => void) | null = null;
  #isEnded = false;

  /** @param dropped Called where it gave way to others; it has ended then. */
  constructor(unread: Unread, dropped: () => void) {
    this.#unread = unread;
    this.#dropped = dropped;
  }

  push(part: InboxPart): void {
    if (this.#isEnded) return;
    this.#parts.push(part);
    this.#wake?.();
    this.#unread.add(this, part.cost);
  }

  /** @returns The next part; `null` where it has ended and nothing is left. */
  async next(): Promise<InboxPart | null> {
    while (this.#parts.length === 0) {
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
    const part = this.#parts.shift()!;
    this.#unread.remove(this, part.cost);
    return part;
  }

  /** Nothing comes any more; what is there may still be read. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** Nobody reads any more. */
  clear(): void {
    this.#parts.length = 0;
    this.#unread.end(this);
    this.end();
  }

  drop(): void {
    this.clear();
    this.#dropped();
  }
}
