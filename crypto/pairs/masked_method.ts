/**
 * A token made with a module's method: its permutation stands between two masks, so that the module meets uniform bytes
 * and neither root, token nor salt.
 *
 * @module
 * @see docs/PROTOCOL.md, "Methods of modules"
 */
import { assertBytes, wipe, xorInto } from "../primitives/bytes.ts";
import type { TokenHashes } from "../primitives/hashes.ts";
import { BLOCK_BYTES, type Permutations } from "../primitives/permutations.ts";
import { streamOf, type TransformInput } from "./methods.ts";

const SECOND_MASK_AT = 32;
const KEY_AT = 64;

/** What a module's method needs. */
export interface MaskedParts {
  readonly hashes: TokenHashes;
  readonly permutations: Pick<Permutations, "permute">;
}

async function run(
  parts: MaskedParts,
  input: TransformInput,
  options: { readonly state: Uint8Array; readonly inverse: boolean },
): Promise<Uint8Array> {
  const { state, inverse } = options;
  assertBytes(state, BLOCK_BYTES, "a state");
  const stream = streamOf(parts.hashes, input);
  const masks = [stream.subarray(0, SECOND_MASK_AT), stream.subarray(SECOND_MASK_AT, KEY_AT)];
  const [before, after] = inverse ? masks.reverse() : masks;
  const block = state.slice();
  const key = stream.slice(KEY_AT, KEY_AT + BLOCK_BYTES);
  try {
    xorInto(block, before!);
    const result = await parts.permutations.permute({ method: input.method, key, block, inverse });
    xorInto(result, after!);
    return result;
  } finally {
    wipe(stream, key, block);
  }
}

/**
 * Turns a 32-byte state into a token with a module's method.
 * @returns A new array; `state` stays as it was.
 * @throws {CryptoError} `method_unknown`, `method_failed`.
 * @throws {RangeError} On a salt or state that is not 32 bytes.
 */
export function transformMasked(
  parts: MaskedParts,
  input: TransformInput,
  state: Uint8Array,
): Promise<Uint8Array> {
  return run(parts, input, { state, inverse: false });
}

/** Undoes {@linkcode transformMasked}; returns and throws as it does. */
export function reverseMasked(
  parts: MaskedParts,
  input: TransformInput,
  state: Uint8Array,
): Promise<Uint8Array> {
  return run(parts, input, { state, inverse: true });
}
