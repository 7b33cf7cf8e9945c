/**
 * Unpacks plain data on the way between the core's client and its Worker.
 *
 * @module
 */
import { KEYS, type PackedMessage, TAG, WRITTEN_KEY } from "./codec.ts";
import { readShortText } from "../primitives/short_text.ts";

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads what a {@linkcode ./pack_writer.ts} wrote. */
export class PackReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #attachments: readonly ArrayBuffer[];
  readonly #copies: boolean;
  #offset = 0;

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
        return this.#readText();
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

  #take(length: number): Uint8Array<ArrayBuffer> {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("Cannot unpack past the message's end");
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }

  #readText(): string {
    const part = this.#take(this.readUint32());
    return readShortText(part, 0, part.length) ?? utf8Decoder.decode(part);
  }

  #readBytes(): Uint8Array<ArrayBuffer> {
    const part = this.#take(this.readUint32());
    return this.#copies ? part.slice() : part;
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
