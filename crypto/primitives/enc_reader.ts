/**
 * Reads an `enc(…)` item by item, in order.
 *
 * @module
 * @see docs/PROTOCOL.md, "Bytes"
 */
import { readText } from "./short_text.ts";

const LENGTH_BYTES = 4;
const INTEGER_BYTES = 8;

/** The items of one `enc(…)`. */
export class EncReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /**
   * The next item.
   * @returns Not a copy.
   * @throws {RangeError} Where the bytes end before it does.
   */
  bytes(): Uint8Array {
    const start = this.#enter();
    return this.#bytes.subarray(start, this.#at);
  }

  /**
   * The next item, as UTF-8.
   * @throws {RangeError} As {@linkcode bytes}.
   * @throws {TypeError} If it is none.
   */
  text(): string {
    const start = this.#enter();
    return readText(this.#bytes, start, this.#at);
  }

  /**
   * The next item, as an integer of 8 bytes.
   * @throws {RangeError} As {@linkcode bytes}, or if it has another length.
   */
  integer(): number {
    const start = this.#enter();
    if (this.#at - start !== INTEGER_BYTES) throw new RangeError("Expected an item of 8 bytes");
    return this.#view.getUint32(start) * 2 ** 32 + this.#view.getUint32(start + LENGTH_BYTES);
  }

  /** Moves behind the next item. @returns Where it begins. */
  #enter(): number {
    const start = this.#at + LENGTH_BYTES;
    const end = start > this.#bytes.length ? Infinity : start + this.#view.getUint32(this.#at);
    if (end > this.#bytes.length) throw new RangeError("The bytes end within an item");
    this.#at = end;
    return start;
  }
}
