/**
 * What a person types at a prompt without echo, key by key.
 *
 * @module
 */

const MAX_TYPED_BYTES = 1024;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const KEYS = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  delete: 0x7f,
  firstPrintable: 0x20,
};

/** Tells at the end of a line whether nothing more is to come. */
export type IsWhole = (typed: Uint8Array) => boolean;

/** Removes the last character, whose bytes after the first begin with the bits 10. */
function withoutLast(typed: Uint8Array, length: number): number {
  let end = length;
  while (end > 0 && (typed[end - 1]! & 0xc0) === 0x80) end--;
  return Math.max(0, end - 1);
}

/** One answer: a line, or as many as make it whole; an empty line ends it in any case. */
export class TypedKeys {
  readonly #typed = new Uint8Array(MAX_TYPED_BYTES);
  readonly #isWhole: IsWhole;
  #length = 0;
  #lastKey = 0;

  constructor(isWhole: IsWhole) {
    this.#isWhole = isWhole;
  }

  /** What was typed so far, the caller's to wipe. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#typed.slice(0, this.#length);
  }

  wipe(): void {
    this.#typed.fill(0);
    this.#length = 0;
  }

  /**
   * Takes keys as they came from a terminal in raw mode. Whatever stands behind the end is dropped.
   * @returns `null` while more is to come.
   */
  take(keys: Uint8Array): "ended" | "given up" | null {
    for (const key of keys) {
      const isSecondHalf = key === LINE_FEED && this.#lastKey === CARRIAGE_RETURN;
      this.#lastKey = key;
      if (isSecondHalf) continue;
      if (key === KEYS.interrupt || key === KEYS.endOfInput) return "given up";
      if (key === LINE_FEED || key === CARRIAGE_RETURN) {
        if (this.#endLine()) return "ended";
      } else if (key === KEYS.backspace || key === KEYS.delete) {
        this.#length = withoutLast(this.#typed, this.#length);
      } else if (key >= KEYS.firstPrintable) this.#add(key);
    }
    return null;
  }

  #endLine(): boolean {
    const isEmpty = this.#length === 0 || this.#typed[this.#length - 1] === LINE_FEED;
    if (isEmpty || this.#isWhole(this.#typed.subarray(0, this.#length))) return true;
    this.#add(LINE_FEED);
    return false;
  }

  #add(byte: number): void {
    if (this.#length < this.#typed.length) this.#typed[this.#length++] = byte;
  }
}
