// @ts-check
// A module with a crypto method: a permutation of blocks of 32 bytes under keys of 32 bytes, as a Feistel network of 16
// rounds. The node masks every block before and behind it, so this sees no token, and a weak method gives none away.
// docs/MODULES.md tells how to load and use it.

/** @import { MethodRegistry, OpenRedModule } from "../../modules/api.ts" */

const ROUNDS = 16;
/** Half a block, in 32-bit words. */
const HALF = 4;

/** @param {Uint8Array} bytes */
function toWords(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(4 * at));
}

/** @param {Uint32Array} words */
function toBytes(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setUint32(4 * at, word));
  return bytes;
}

/** @param {Uint32Array} words @param {number} at Counts round and round. */
function wordAt(words, at) {
  return words[at % words.length] ?? 0;
}

/** @param {number} word @param {number} by */
function rotate(word, by) {
  return ((word << by) | (word >>> (32 - by))) >>> 0;
}

/**
 * What one half gives to the other in a round. It need not be invertible: the network is, whatever this does.
 * @param {Uint32Array} half
 * @param {Uint32Array} key
 * @param {number} round
 */
function mix(half, key, round) {
  const words = half.map((word, at) => (word + wordAt(key, round + at)) ^ (round * 0x9e3779b9));
  for (let pass = 0; pass < 2 * HALF; pass += 1) {
    const next = wordAt(words, pass + 1);
    words[pass % HALF] = Math.imul(wordAt(words, pass) ^ rotate(next, 13), 0x85ebca6b) + next;
  }
  return words;
}

/** @param {Uint32Array} half @param {Uint32Array} by */
function xor(half, by) {
  return half.map((word, at) => word ^ wordAt(by, at));
}

/**
 * @param {Uint8Array} block 32 bytes.
 * @param {Uint8Array} key 32 bytes.
 * @returns {Uint8Array} 32 bytes.
 */
function forward(block, key) {
  const [words, keyWords] = [toWords(block), toWords(key)];
  let [left, right] = [words.slice(0, HALF), words.slice(HALF)];
  for (let round = 0; round < ROUNDS; round += 1) {
    [left, right] = [right, xor(left, mix(right, keyWords, round))];
  }
  return toBytes(Uint32Array.of(...left, ...right));
}

/**
 * Undoes `forward`: the rounds backwards.
 * @param {Uint8Array} block 32 bytes.
 * @param {Uint8Array} key 32 bytes.
 * @returns {Uint8Array} 32 bytes.
 */
function inverse(block, key) {
  const [words, keyWords] = [toWords(block), toWords(key)];
  let [left, right] = [words.slice(0, HALF), words.slice(HALF)];
  for (let round = ROUNDS - 1; round >= 0; round -= 1) {
    [left, right] = [xor(right, mix(left, keyWords, round)), left];
  }
  return toBytes(Uint32Array.of(...left, ...right));
}

/** @type {OpenRedModule} */
export default {
  manifest: {
    name: "mixer",
    version: "1.0.0",
    api: 1,
    summary: "Brings a crypto method of its own",
    grants: [
      { kind: "method", name: "mixer", why: "To use its method for pairs with peers who have it" },
    ],
  },
  /** @param {MethodRegistry} methods */
  registerCryptoMethods(methods) {
    methods.method("mixer", { forward, inverse });
  },
};
