/**
 * Memory for chunks on their way, used again and again: memory that is new costs the system more than sealing does, and
 * what was used lies around until somebody collects it.
 *
 * @module
 */
import { FILE_CHUNK_BYTES, FILE_TAG_BYTES } from "../../protocol/file_frames.ts";

const BUFFER_BYTES = FILE_CHUNK_BYTES + FILE_TAG_BYTES;
const MAX_FREE = 16;

/** What is free of it. */
export class ChunkBuffers {
  readonly #free: ArrayBuffer[] = [];

  /** Room for a chunk and its tag; of any content. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(BUFFER_BYTES));
  }

  /** Gives back what nobody reads from or writes to any more. Anything else than such memory is left to the runtime. */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === BUFFER_BYTES && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}
