/**
 * The hashing of the core, as far as tokens need it, over a pure-JavaScript library.
 *
 * @module
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { EncWriter } from "../crypto/primitives/enc_writer.ts";
import { concatBytes } from "../crypto/encoding.ts";
import type { TokenHashes } from "../crypto/primitives/hashes.ts";

/** {@linkcode TokenHashes} on `@noble/hashes`. */
export function createNobleHashes(): TokenHashes {
  const writer = new EncWriter();
  const joined = (parts: readonly Uint8Array[]) =>
    parts.length === 1 ? parts[0]! : concatBytes(...parts);
  return {
    input: () => writer.begin(),
    sha256: (...parts) => sha256(joined(parts)),
    blake3: (data, length) => blake3(data, { dkLen: length }),
    hmacSha256: (key, ...parts) => hmac(sha256, key, joined(parts)),
  };
}
