/**
 * Unpacks plain data on the way between the core's client and its Worker.
 *
 * @module
 */
import { KEYS, mayRepeat, type PackedMessage, TAG, WRITTEN_KEY } from "./codec.ts";
import { readShortText } from "../primitives/short_text.ts";

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads what a {@linkcode ./pack_writer.ts} wrote. */
export class PackReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #attachments: readonly ArrayBuffer[];
  readonly #copies: boolean;
  #offset = 0;
  #texts: Map<number, string> | null = null;

  /** @param options With `copies`, small byte arrays get a buffer of their own; otherwise they share the message's. */
  constructor(message: PackedMessage, options: { readonly copies: boolean }) {
    this.#bytes = new Uint8Array(message.packed);
    this.#view = new DataView(message.packed);
    this.#attachments = message.attachments;
    this.#copies = options.copies;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** @throws {RangeError} At the end of the message. */
  readByte(): number {
    return this.#view.getUint8(this.#offset++);
  }

  /** @throws {RangeError} At the end of the message. */
  readUint32(): number {
    const value = this.#view.getUint32(this.#offset);
    this.#offset += 4;
    return value;
  }

  /** @throws {RangeError} On bytes that no writer wrote. */
  readValue(): unknown {
    const tag = this.readByte();
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.integer:
        this.#offset += 4;
        return this.#view.getInt32(this.#offset - 4);
      case TAG.double:
        this.#offset += 8;
        return this.#view.getFloat64(this.#offset - 8);
      case TAG.text:
        return this.#readTextOnce();
      case TAG.textAgain:
        return this.#readTextAgain();
      case TAG.bytes:
        return this.#readBytes();
      case TAG.attached:
        return this.#readAttached();
      case TAG.array:
        return this.#readArray();
      case TAG.object:
        return this.#readObject();
      default:
        throw new RangeError(`Cannot unpack a value with tag ${tag}`);
    }
  }

  /** Moves past the next bytes, which have their length before them. @returns Where they begin. */
  #enter(): number {
    const length = this.readUint32();
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      throw new RangeError("Cannot unpack past the message's end");
    }
    this.#offset = start + length;
    return start;
  }

  #readText(): string {
    const start = this.#enter();
    return readShortText(this.#bytes, start, this.#offset) ??
      utf8Decoder.decode(this.#bytes.subarray(start, this.#offset));
  }

  #readTextOnce(): string {
    const at = this.#offset - 1;
    const text = this.#readText();
    if (mayRepeat(text)) (this.#texts ??= new Map()).set(at, text);
    return text;
  }

  #readTextAgain(): string {
    const text = this.#texts?.get(this.readUint32());
    if (text === undefined) throw new RangeError("Cannot unpack a text that is not there");
    return text;
  }

  #readBytes(): Uint8Array<ArrayBuffer> {
    const start = this.#enter();
    return this.#copies
      ? this.#bytes.slice(start, this.#offset)
      : this.#bytes.subarray(start, this.#offset);
  }

  #readAttached(): Uint8Array<ArrayBuffer> {
    const attachment = this.#attachments[this.readUint32()];
    if (attachment === undefined) throw new RangeError("Cannot unpack a missing attachment");
    return new Uint8Array(attachment);
  }

  #readArray(): unknown[] {
    const count = this.readUint32();
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.push(this.readValue());
    return items;
  }

  #readObject(): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    for (let number = this.readByte(); number !== 0; number = this.readByte()) {
      const key = number === WRITTEN_KEY ? this.#readText() : KEYS[number - 1];
      if (key === undefined || key === "__proto__") {
        throw new RangeError("Cannot unpack a member without a name");
      }
      members[key] = this.readValue();
    }
    return members;
  }
}
