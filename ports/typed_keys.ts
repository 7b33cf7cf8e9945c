/**
 * What a person types at a prompt without echo, key by key.
 *
 * @module
 */

/** More than that is no answer. */
export const MAX_TYPED_BYTES = 1024;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const KEYS = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  clearLine: 0x15,
  escape: 0x1b,
  delete: 0x7f,
  firstPrintable: 0x20,
};

/** What begins, behind an escape, the code of a key such as an arrow. */
const KEY_CODE = { csi: 0x5b, ss3: 0x4f };

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
  #isTooLong = false;
  /** Where in the code of a key that types nothing: behind its escape, or behind what begins it. */
  #code: "none" | "escape" | "csi" | "ss3" = "none";

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
   * @returns `null` while more is to come; `too long` at the end of what did not fit.
   */
  take(keys: Uint8Array): "ended" | "given up" | "too long" | null {
    for (const key of keys) {
      const isSecondHalf = key === LINE_FEED && this.#lastKey === CARRIAGE_RETURN;
      this.#lastKey = key;
      if (isSecondHalf || this.#isOfCode(key)) continue;
      if (key === KEYS.interrupt || key === KEYS.endOfInput) return "given up";
      if (key === LINE_FEED || key === CARRIAGE_RETURN) {
        if (this.#isTooLong) return "too long";
        if (this.#endLine()) return "ended";
      } else this.#edit(key);
    }
    return null;
  }

  /** Whether a byte belongs to a key that types nothing. An escape alone is one, too. */
  #isOfCode(key: number): boolean {
    const code = this.#code;
    this.#code = "none";
    if (key === KEYS.escape) this.#code = "escape";
    else if (code === "escape" && key === KEY_CODE.csi) this.#code = "csi";
    else if (code === "escape" && key === KEY_CODE.ss3) this.#code = "ss3";
    else if (code === "csi" && key >= 0x20 && key <= 0x3f) this.#code = "csi";
    else return (code === "csi" || code === "ss3") && key >= 0x40 && key <= 0x7e;
    return true;
  }

  #edit(key: number): void {
    if (key === KEYS.backspace || key === KEYS.delete) {
      this.#length = withoutLast(this.#typed, this.#length);
    } else if (key === KEYS.clearLine) {
      this.#length = this.#typed.subarray(0, this.#length).lastIndexOf(LINE_FEED) + 1;
      this.#isTooLong = false;
    } else if (key >= KEYS.firstPrintable) this.#add(key);
  }

  #endLine(): boolean {
    const isEmpty = this.#length === 0 || this.#typed[this.#length - 1] === LINE_FEED;
    if (isEmpty || this.#isWhole(this.#typed.subarray(0, this.#length))) return true;
    this.#add(LINE_FEED);
    return false;
  }

  #add(byte: number): void {
    if (this.#length < this.#typed.length) this.#typed[this.#length++] = byte;
    else this.#isTooLong = true;
  }
}
