/**
 * What lies where at a `file_url`: the sealed chunks of the layer, then those of the content (docs/PROTOCOL.md, "Files").
 *
 * @module
 */
import { FILE_CHUNK_BYTES, FILE_TAG_BYTES, HASH_BYTES } from "./file_frames.ts";

/** The roots of the chunks, or the content. */
export type FilePart = "layer" | "data";

const SEALED_CHUNK_BYTES = FILE_CHUNK_BYTES + FILE_TAG_BYTES;

/** One sealed chunk. */
export interface SealedSlice {
  readonly part: FilePart;
  /** Its place in the part. */
  readonly number: number;
  /** Where its content begins in the part, and how long it is. */
  readonly at: number;
  readonly length: number;
}

/** The slices of one file, in order. */
export class SealedLayout {
  /** How many of the first ones are of the layer. */
  readonly layerSlices: number;
  /** How many there are. */
  readonly count: number;
  /** How long the layer is; a file of one chunk has none. */
  readonly layerBytes: number;
  readonly #fileBytes: number;

  constructor(fileBytes: number) {
    const chunks = Math.ceil(fileBytes / FILE_CHUNK_BYTES);
    this.#fileBytes = fileBytes;
    this.layerBytes = chunks < 2 ? 0 : chunks * HASH_BYTES;
    this.layerSlices = Math.ceil(this.layerBytes / FILE_CHUNK_BYTES);
    this.count = this.layerSlices + chunks;
  }

  /** All bytes at the URL. */
  get bytes(): number {
    return this.offsetOf(this.count);
  }

  slice(index: number): SealedSlice {
    const isLayer = index < this.layerSlices;
    const number = isLayer ? index : index - this.layerSlices;
    const at = number * FILE_CHUNK_BYTES;
    const partBytes = isLayer ? this.layerBytes : this.#fileBytes;
    const length = Math.min(FILE_CHUNK_BYTES, partBytes - at);
    return { part: isLayer ? "layer" : "data", number, at, length };
  }

  /** Where a slice begins; of the one behind the last, where all ends. */
  offsetOf(index: number): number {
    if (index < this.layerSlices) return index * SEALED_CHUNK_BYTES;
    const sealedLayer = this.layerBytes + this.layerSlices * FILE_TAG_BYTES;
    const chunks = index - this.layerSlices;
    return sealedLayer + Math.min(chunks * FILE_CHUNK_BYTES, this.#fileBytes) +
      chunks * FILE_TAG_BYTES;
  }

  /** @returns The slice that begins there, or one more than the last where all ends; `null` within a slice. */
  indexAt(offset: number): number | null {
    const sealedLayer = this.offsetOf(this.layerSlices);
    const index = offset < sealedLayer
      ? Math.floor(offset / SEALED_CHUNK_BYTES)
      : this.layerSlices + Math.ceil((offset - sealedLayer) / SEALED_CHUNK_BYTES);
    return index <= this.count && this.offsetOf(index) === offset ? index : null;
  }
}
