/**
 * The one source of chance in a simulation: every stream is derived from the run's seed and a label,
 * so a draw added in one place changes no other.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Random } from "../../ports/ports.ts";

/** A sfc32 generator. Not for anything but simulations. */
export class SeededRandom implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: string) {
    this.#seed = seed;
    const digest = createHash("sha256").update(seed).digest();
    this.#a = digest.readUInt32LE(0);
    this.#b = digest.readUInt32LE(4);
    this.#c = digest.readUInt32LE(8);
    this.#counter = digest.readUInt32LE(12);
  }

  /** An independent stream. The same label gives the same stream, however much was drawn here. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${label}`);
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    let offset = 0;
    for (; offset + 4 <= length; offset += 4) view.setUint32(offset, this.uint32());
    for (; offset < length; offset++) bytes[offset] = this.uint32() & 0xff;
    return bytes;
  }

  /** From 0 up to, not including, 1. */
  unit(): number {
    return this.uint32() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  /** @throws {RangeError} On an empty list. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("Cannot pick from an empty list");
    return list[this.between(0, list.length - 1)]!;
  }
}
