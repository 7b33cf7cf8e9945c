/**
 * Reads pieces of chosen lengths out of a stream of pieces of any length.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";

/** A stream that is read piece by piece. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes in an array of their own, fewer at the end of the stream. */
  async upTo(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const piece = new Uint8Array(length);
    let filled = 0;
    while (filled < length && !(await this.isAtEnd())) {
      const part = this.#held.subarray(0, length - filled);
      piece.set(part, filled);
      filled += part.length;
      this.#held = this.#held.subarray(part.length);
    }
    return filled === length ? piece : piece.slice(0, filled);
  }

  /** @throws {OpenRedError} `bad_request` where the stream ends before. */
  async exactly(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const piece = await this.upTo(length);
    if (piece.length === length) return piece;
    throw new OpenRedError("bad_request", "The backup ends too early");
  }

  /** Whether nothing more comes. */
  async isAtEnd(): Promise<boolean> {
    while (this.#held.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return true;
      this.#held = next.value;
    }
    return false;
  }

  /** Lets go of the source. */
  async stop(): Promise<void> {
    await this.#source.return?.();
  }
}
