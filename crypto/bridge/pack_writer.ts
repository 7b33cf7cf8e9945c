/**
 * Packs plain data for the way between the core's client and its Worker.
 *
 * @module
 */
import {
  ATTACHED_FROM_BYTES,
  KEYS,
  mayRepeat,
  type PackedMessage,
  TAG,
  WRITTEN_KEY,
} from "./codec.ts";

const MAX_DEPTH = 32;
const FIRST_BUFFER_BYTES = 1024;
/** Up to here a loop is quicker than the encoder's call. */
const SHORT_TEXT_LENGTH = 48;
const KEY_NUMBERS: ReadonlyMap<string, number> = new Map(KEYS.map((key, at) => [key, at + 1]));

const utf8Encoder = new TextEncoder();

/** Packs values one after the other. What it leaves behind while growing is wiped. */
export class PackWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #attachments: ArrayBuffer[] = [];
  /** Where each text stands that may repeat itself. */
  #texts: Map<string, number> | null = null;

  constructor(expectedBytes = FIRST_BUFFER_BYTES) {
    this.#bytes = new Uint8Array(Math.max(expectedBytes, 64));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Undoes what was written since `length` was read, after a value that could not be packed. */
  truncate(length: number): void {
    this.#bytes.fill(0, length, this.#length);
    this.#length = length;
    for (const [text, at] of this.#texts ?? []) if (at >= length) this.#texts!.delete(text);
  }

  writeByte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  writeUint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  /**
   * Writes one value.
   * @param options With `transfer`, large byte arrays that own their buffer are detached from the caller.
   * @throws {TypeError} On anything but plain data.
   */
  writeValue(value: unknown, options: { readonly transfer: boolean }): void {
    this.#write(value, options.transfer, 0);
  }

  /** Hands the message out; the writer must not be used afterwards. */
  finish(): PackedMessage {
    const packed = this.#length === this.#bytes.length
      ? this.#bytes.buffer
      : this.#bytes.buffer.slice(0, this.#length);
    if (packed !== this.#bytes.buffer) this.#bytes.fill(0, 0, this.#length);
    return { packed, attachments: this.#attachments };
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes.fill(0);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #write(value: unknown, transfer: boolean, depth: number): void {
    if (value === null || value === undefined) return this.writeByte(TAG.null);
    if (value === false) return this.writeByte(TAG.false);
    if (value === true) return this.writeByte(TAG.true);
    if (typeof value === "number") return this.#writeNumber(value);
    if (typeof value === "string") return this.#writeTextOnce(value);
    if (typeof value !== "object") throw new TypeError(`Cannot pack a ${typeof value}`);
    if (value instanceof Uint8Array) return this.#writeBytes(value, transfer);
    if (depth === MAX_DEPTH) throw new TypeError("Cannot pack data that is nested this deeply");
    if (Array.isArray(value)) return this.#writeArray(value, transfer, depth + 1);
    this.#writeObject(value as Record<string, unknown>, transfer, depth + 1);
  }

  #writeNumber(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.#reserve(5);
      this.#bytes[this.#length] = TAG.integer;
      this.#view.setInt32(this.#length + 1, value);
      this.#length += 5;
    } else {
      this.#reserve(9);
      this.#bytes[this.#length] = TAG.double;
      this.#view.setFloat64(this.#length + 1, value);
      this.#length += 9;
    }
  }

  #writeTextOnce(text: string): void {
    if (mayRepeat(text)) {
      this.#texts ??= new Map();
      const at = this.#texts.get(text);
      if (at !== undefined) {
        this.writeByte(TAG.textAgain);
        return this.writeUint32(at);
      }
      this.#texts.set(text, this.#length);
    }
    this.writeByte(TAG.text);
    this.#writeText(text);
  }

  #writeText(text: string): void {
    this.#reserve(4 + 3 * text.length);
    const start = this.#length + 4;
    let written = 0;
    if (text.length <= SHORT_TEXT_LENGTH) {
      while (written < text.length) {
        const unit = text.charCodeAt(written);
        if (unit > 0x7f) break;
        this.#bytes[start + written++] = unit;
      }
    }
    if (written < text.length) {
      written = utf8Encoder.encodeInto(text, this.#bytes.subarray(start)).written;
    }
    this.#view.setUint32(this.#length, written);
    this.#length = start + written;
  }

  #writeBytes(value: Uint8Array, transfer: boolean): void {
    if (value.length > ATTACHED_FROM_BYTES) {
      this.writeByte(TAG.attached);
      this.writeUint32(this.#attachments.length);
      const { buffer } = value;
      // A buffer goes over once: another value that needs it gets a copy.
      const isMovable = transfer && buffer instanceof ArrayBuffer &&
        value.byteLength === buffer.byteLength && !this.#attachments.includes(buffer);
      this.#attachments.push(isMovable ? buffer : new Uint8Array(value).buffer);
      return;
    }
    this.writeByte(TAG.bytes);
    this.writeUint32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #writeArray(items: readonly unknown[], transfer: boolean, depth: number): void {
    this.writeByte(TAG.array);
    this.writeUint32(items.length);
    for (const item of items) this.#write(item, transfer, depth);
  }

  #writeObject(members: Record<string, unknown>, transfer: boolean, depth: number): void {
    this.writeByte(TAG.object);
    for (const key in members) {
      const value = members[key];
      if (value === undefined) continue;
      if (key === "__proto__") throw new TypeError("Cannot pack a member named __proto__");
      const number = KEY_NUMBERS.get(key);
      if (number !== undefined) {
        this.writeByte(number);
      } else {
        this.writeByte(WRITTEN_KEY);
        this.#writeText(key);
      }
      this.#write(value, transfer, depth);
    }
    this.writeByte(0);
  }
}
