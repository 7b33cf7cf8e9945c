/**
 * Writes `enc(…)` into a buffer that is used again and again: for what is hashed a hundred
 * thousand times a second. Everything else uses {@linkcode ./encoding.ts}'s `enc`.
 *
 * @module
 */
import { encodeUtf8 } from "../encoding.ts";

const LENGTH_BYTES = 4;
const INTEGER_BYTES = 8;

/** One `enc(…)` under construction. */
export class EncWriter {
  #buffer = new Uint8Array(512);
  #length = 0;
  /** Views of the buffer by their length: making one costs as much as hashing a block. */
  #views: Uint8Array[] = [];

  /** Forgets what was written and begins anew. */
  begin(): this {
    this.#length = 0;
    return this;
  }

  /** Adds an item of text. */
  text(text: string): this {
    this.#reserve(LENGTH_BYTES + text.length);
    const start = this.#length + LENGTH_BYTES;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return this.bytes(encodeUtf8(text));
      this.#buffer[start + i] = code;
    }
    this.#setUint32(this.#length, text.length);
    this.#length = start + text.length;
    return this;
  }

  /** Adds an item of bytes. */
  bytes(bytes: Uint8Array): this {
    this.#reserve(LENGTH_BYTES + bytes.length);
    this.#setUint32(this.#length, bytes.length);
    this.#buffer.set(bytes, this.#length + LENGTH_BYTES);
    this.#length += LENGTH_BYTES + bytes.length;
    return this;
  }

  /**
   * Adds an integer, 8 bytes.
   * @throws {RangeError} On a number that is not an integer from 0 to 2⁵³ − 1.
   */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError("Cannot encode a number that is not an integer from 0 to 2^53 - 1");
    }
    this.#reserve(LENGTH_BYTES + INTEGER_BYTES);
    this.#setUint32(this.#length, INTEGER_BYTES);
    this.#setUint32(this.#length + 4, Math.floor(value / 2 ** 32));
    this.#setUint32(this.#length + 8, value >>> 0);
    this.#length += LENGTH_BYTES + INTEGER_BYTES;
    return this;
  }

  /** Adds an item that is itself one `enc(…)`: of what `write` adds. */
  nested(write: (writer: this) => void): this {
    this.#reserve(LENGTH_BYTES);
    const at = this.#length;
    this.#length += LENGTH_BYTES;
    write(this);
    this.#setUint32(at, this.#length - at - LENGTH_BYTES);
    return this;
  }

  /** Adds the bytes from `start` to `end` of `source` without a length: no item of `enc`. */
  raw(source: Uint8Array, start: number, end: number): this {
    this.#reserve(end - start);
    const offset = this.#length - start;
    for (let i = start; i < end; i++) this.#buffer[offset + i] = source[i]!;
    this.#length += end - start;
    return this;
  }

  /** What was written; valid until the next {@linkcode begin}. */
  view(): Uint8Array {
    return this.#views[this.#length] ??= this.#buffer.subarray(0, this.#length);
  }

  /** Overwrites all of the buffer. */
  wipe(): void {
    this.#buffer.fill(0);
    this.#length = 0;
  }

  #setUint32(at: number, value: number): void {
    const buffer = this.#buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * needed);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer.fill(0);
    this.#buffer = larger;
    this.#views = [];
  }
}
