/**
 * The content of files, by chunks: what it is called, and whether it is still what it was called.
 *
 * @module
 */
import { FILE_CHUNK_BYTES, HASH_BYTES } from "../../protocol/file_frames.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { FileHashes, OwnerFile } from "../api.ts";

/** What a file's content is called. */
export interface ContentId {
  readonly bytes: number;
  /** 32 bytes; the empty file has none. */
  readonly root: Uint8Array | null;
  /** The roots of its chunks, where there are more than one. */
  readonly layer: Uint8Array | null;
}

export function chunkCount(bytes: number): number {
  return Math.ceil(bytes / FILE_CHUNK_BYTES);
}

/** How long a chunk of a file is. */
export function chunkLength(bytes: number, chunk: number): number {
  return Math.min(FILE_CHUNK_BYTES, bytes - chunk * FILE_CHUNK_BYTES);
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Whether a chunk is the one of this number. */
export async function isChunk(
  hashes: FileHashes,
  { bytes, root, layer }: ContentId,
  { chunk, data }: { readonly chunk: number; readonly data: Uint8Array },
): Promise<boolean> {
  if (data.length !== chunkLength(bytes, chunk)) return false;
  const expected = layer === null
    ? root
    : layer.subarray(HASH_BYTES * chunk, HASH_BYTES * (chunk + 1));
  return expected !== null &&
    isSame(await hashes.chunk(data, { isWhole: layer === null }), expected);
}

/**
 * Computes what a file's content is called, one chunk in memory.
 * @param options `hashed` hears how many bytes are done.
 * @throws {OpenRedError} `unsupported` where the file became shorter meanwhile.
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function hashFile(
  hashes: FileHashes,
  file: OwnerFile,
  { signal, hashed }: { readonly signal: AbortSignal; hashed(bytes: number): void },
): Promise<ContentId> {
  const { bytes } = file;
  const count = chunkCount(bytes);
  if (count === 0) return { bytes, root: null, layer: null };
  const layer = new Uint8Array(HASH_BYTES * count);
  for (let chunk = 0; chunk < count; chunk++) {
    signal.throwIfAborted();
    const length = chunkLength(bytes, chunk);
    const data = await file.read(chunk * FILE_CHUNK_BYTES, length);
    if (data.length !== length) {
      throw new OpenRedError("unsupported", "The file became shorter while it was read");
    }
    layer.set(await hashes.chunk(data, { isWhole: count === 1 }), HASH_BYTES * chunk);
    hashed(chunk * FILE_CHUNK_BYTES + length);
  }
  if (count === 1) return { bytes, root: layer, layer: null };
  return { bytes, root: await hashes.layer(layer), layer };
}
