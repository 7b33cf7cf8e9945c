/**
 * Bytes that come in parts, kept in one array that grows with what has come and not with what was promised.
 *
 * @module
 */

const FIRST_BYTES = 4 * 1024;

/** A message or body on its way in. */
export class GrowingBytes {
  #bytes = new Uint8Array();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What came behind the first `start` bytes. */
  from(start: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(start, this.#length);
  }

  /**
   * Room behind what is there, at least one byte and at most `maxBytes`.
   */
  room(maxBytes: number): Uint8Array<ArrayBuffer> {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(
        this.#length + Math.min(maxBytes, Math.max(FIRST_BYTES, this.#length)),
      );
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes.subarray(this.#length, this.#length + maxBytes);
  }

  /** Counts `length` bytes that were written into {@linkcode room}. */
  grow(length: number): void {
    this.#length += length;
  }

  /** All that came; the array begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const whole = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array();
    this.#length = 0;
    return whole;
  }
}
