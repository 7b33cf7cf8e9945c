/**
 * Which chunks of a file are on disk, and which spans of the others are nobody's yet.
 *
 * @module
 */
import { chunkLength } from "./content.ts";
import type { Span } from "./source.ts";

/** What one request asks for: long enough that its beginning costs little, short enough that no source keeps all. */
const MAX_SPAN = 64;
const MIN_SPAN = 4;
/** What is left is cut into so many spans at least, for as many requests at once. */
const SHARES = 8;

/** The chunks of one file. */
export class Missing {
  readonly #bytes: number;
  /** Of each chunk whether it is on disk. */
  readonly #have: Uint8Array;
  /** Of each chunk whether somebody fetches it. */
  readonly #taken: Uint8Array;
  #haveBytes: number;

  /** @param have Stays shared: what is fetched is noted there. */
  constructor(bytes: number, have: Uint8Array) {
    this.#bytes = bytes;
    this.#have = have;
    this.#taken = have.slice();
    this.#haveBytes = 0;
    for (const [chunk, has] of have.entries()) {
      if (has === 1) this.#haveBytes += chunkLength(bytes, chunk);
    }
  }

  /** How many bytes are on disk. */
  get haveBytes(): number {
    return this.#haveBytes;
  }

  get isWhole(): boolean {
    return this.#haveBytes === this.#bytes;
  }

  /** Takes the first span that is nobody's; `null` where there is none. */
  take(): Span | null {
    const first = this.#taken.indexOf(0);
    if (first < 0) return null;
    const left = this.#taken.reduce((sum, taken) => sum + 1 - taken, 0);
    const most = Math.min(MAX_SPAN, Math.max(MIN_SPAN, Math.ceil(left / SHARES)));
    const end = this.#taken.indexOf(1, first);
    const until = end < 0 ? this.#taken.length : end;
    const count = Math.min(most, until - first);
    this.#taken.fill(1, first, first + count);
    return { first, count };
  }

  /** Gives back what of a span is not on disk. */
  giveBack({ first, count }: Span): void {
    for (let chunk = first; chunk < first + count; chunk++) {
      this.#taken[chunk] = this.#have[chunk]!;
    }
  }

  /** A chunk is on disk. */
  got(chunk: number): void {
    this.#have[chunk] = 1;
    this.#haveBytes += chunkLength(this.#bytes, chunk);
  }
}
