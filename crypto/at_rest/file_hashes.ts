/**
 * The calls that hash the content of files, a chunk at a time.
 *
 * @module
 */
import type { CallTable } from "../bridge/calls.ts";
import { CryptoError, FILE_CHUNK_BYTES, MAX_FILE_LAYER_BYTES } from "../interface.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { checkByteArray } from "../primitives/checks.ts";
import { chunkRoot, layerRoot, type Sha256 } from "../primitives/merkle_tree.ts";

const HASH_BYTES = 32;

/** Makes them. */
export function createFileHashCalls(
  { hashes }: Pick<CoreParts, "hashes">,
): Pick<CallTable, "hashChunk" | "hashLayer"> {
  const sha256: Sha256 = (...parts) => hashes.sha256(...parts);
  return {
    hashChunk: ({ data, isWhole }) => {
      checkByteArray(data, "a chunk");
      if (data.length < 1 || data.length > FILE_CHUNK_BYTES) {
        const text = `Expected a chunk of 1 to ${FILE_CHUNK_BYTES} bytes, received ${data.length}`;
        throw new CryptoError("bad_argument", text);
      }
      return chunkRoot(sha256, { data, isWhole });
    },
    hashLayer: ({ layer }) => {
      checkByteArray(layer, "a layer");
      const isFit = layer.length % HASH_BYTES === 0 && layer.length >= 2 * HASH_BYTES;
      if (!isFit || layer.length > MAX_FILE_LAYER_BYTES) {
        const text = `Expected two hashes or more, at most ${MAX_FILE_LAYER_BYTES} bytes`;
        throw new CryptoError("bad_argument", text);
      }
      return layerRoot(sha256, layer);
    },
  };
}
