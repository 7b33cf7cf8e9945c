/**
 * Files that lie one behind the other in the content of a folder, and which of them a piece of it touches.
 *
 * @module
 */

/** Part of a piece that lies in one file. */
export interface Span {
  /** Its place among the files. */
  readonly file: number;
  /** Where in the file it begins. */
  readonly at: number;
  /** Where in the piece it begins. */
  readonly from: number;
  readonly length: number;
}

/** Where files of these lengths begin. */
export class Spans {
  readonly #starts: Float64Array;
  readonly bytes: number;

  constructor(lengths: readonly number[]) {
    this.#starts = new Float64Array(lengths.length + 1);
    for (const [file, length] of lengths.entries()) {
      this.#starts[file + 1] = this.#starts[file]! + length;
    }
    this.bytes = this.#starts[lengths.length]!;
  }

  startOf(file: number): number {
    return this.#starts[file]!;
  }

  /** In order; files with nothing in them are in no span. */
  of(at: number, length: number): readonly Span[] {
    const end = Math.min(at + length, this.bytes);
    const spans: Span[] = [];
    for (let file = this.#at(at), from = at; from < end; file++) {
      const start = this.#starts[file]!;
      const until = Math.min(end, this.#starts[file + 1]!);
      if (until > from) {
        spans.push({ file, at: from - start, from: from - at, length: until - from });
      }
      from = until;
    }
    return spans;
  }

  /** The first file that ends behind a place. */
  #at(place: number): number {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle + 1]! > place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
