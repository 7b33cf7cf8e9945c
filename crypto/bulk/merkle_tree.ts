/**
 * The hash tree of BitTorrent v2 over the content of a file: SHA-256 of blocks of 16 KiB, pairs of hashes up to one
 * root. It is built in two parts, so that no call sees more than 1 MiB: each chunk to its root, then the layer of these.
 *
 * @module
 * @see BEP 52, "pieces root"; docs/PROTOCOL.md, "Content id"
 */
import { FILE_BLOCK_BYTES, FILE_CHUNK_BYTES } from "../interface.ts";

const HASH_BYTES = 32;
const CHUNK_HEIGHT = Math.log2(FILE_CHUNK_BYTES / FILE_BLOCK_BYTES);
/** What stands for a block that is not there. */
const NO_BLOCK: Uint8Array = new Uint8Array(HASH_BYTES);

/** SHA-256 of the parts, taken as one message: 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/**
 * The root of one chunk: 32 bytes.
 * @param data 1 byte to 1 MiB.
 * @param isWhole Whether the file has no other chunk: then its tree is no higher than its blocks need.
 */
export function chunkRoot(
  sha256: Sha256,
  { data, isWhole }: { readonly data: Uint8Array; readonly isWhole: boolean },
): Uint8Array {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += FILE_BLOCK_BYTES) {
    leaves.push(sha256(data.subarray(at, at + FILE_BLOCK_BYTES)));
  }
  const height = isWhole ? heightOf(leaves.length) : CHUNK_HEIGHT;
  return fold(sha256, leaves, { height, padding: NO_BLOCK });
}

/**
 * The root of a file of more than one chunk: 32 bytes.
 * @param layer The roots of its chunks in order, 32 bytes each.
 */
export function layerRoot(sha256: Sha256, layer: Uint8Array): Uint8Array {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < layer.length; at += HASH_BYTES) {
    hashes.push(layer.subarray(at, at + HASH_BYTES));
  }
  const padding = fold(sha256, [NO_BLOCK], { height: CHUNK_HEIGHT, padding: NO_BLOCK });
  return fold(sha256, hashes, { height: heightOf(hashes.length), padding });
}

function heightOf(leaves: number): number {
  return Math.ceil(Math.log2(leaves));
}

/** @param options `padding`: what stands for a leaf that is not there. */
function fold(
  sha256: Sha256,
  leaves: readonly Uint8Array[],
  { height, padding }: { readonly height: number; readonly padding: Uint8Array },
): Uint8Array {
  let row = leaves;
  let absent = padding;
  for (let level = 0; level < height; level++) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < row.length; at += 2) {
      above.push(sha256(row[at]!, row[at + 1] ?? absent));
    }
    absent = sha256(absent, absent);
    row = above;
  }
  return row[0]!;
}
