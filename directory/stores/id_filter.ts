/**
 * Which ids may be stored, in two bytes for each (a Bloom filter): what it does not know is not there, what it knows
 * has to be looked for.
 *
 * @module
 */

const BITS_AN_ID = 16;
/** With these, of 400 ids that are not there one has to be looked for. */
const PROBES = 4;

/** A set of ids from which none is ever taken away. */
export class IdFilter {
  /** What other threads read the same set from. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #lastBit: number;
  readonly capacity: number;
  #size = 0;

  private constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.capacity = 8 * shared.byteLength / BITS_AN_ID;
    this.#lastBit = this.capacity * BITS_AN_ID - 1;
    this.#words = new Uint32Array(shared);
  }

  /** @param capacity Ids, a power of two of at least 2; with more, too many have to be looked for. */
  static create(capacity: number): IdFilter {
    return new IdFilter(new SharedArrayBuffer(capacity * BITS_AN_ID / 8));
  }

  /** The set that another thread keeps, to be asked alone. */
  static over(shared: SharedArrayBuffer): IdFilter {
    return new IdFilter(shared);
  }

  /** About how many ids were added by this thread. */
  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    if (this.#visit(id, true)) return;
    this.#size += 1;
  }

  mayHave(id: string): boolean {
    return this.#visit(id, false);
  }

  /** @returns Whether all bits of an id were set. */
  #visit(id: string, sets: boolean): boolean {
    // Two hashes of the FNV kind; whoever finds ids that share their bits gains a query for each.
    let first = 0x811c9dc5;
    let second = 0x9747b28c;
    for (let at = 0; at < id.length; at++) {
      const code = id.charCodeAt(at);
      first = Math.imul(first ^ code, 0x01000193);
      second = Math.imul(second ^ code, 0x5bd1e995);
    }
    first ^= first >>> 15;
    second = (second ^ second >>> 13) | 1;
    let had = true;
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = (first >>> 0) & this.#lastBit;
      const word = bit >>> 5;
      const mask = 1 << (bit & 31);
      if ((this.#words[word]! & mask) === 0) {
        if (!sets) return false;
        had = false;
        this.#words[word]! |= mask;
      }
      first = (first + second) | 0;
    }
    return had;
  }
}
