/**
 * Crypto methods as modules may bring them: one that is right, and some that are not.
 *
 * @module
 */
import type { MethodBlock, ModuleMethod } from "../../crypto/interface.ts";

const ROUNDS = 4;

/** A substitution of bytes, by powers of 3 modulo 257 (0 stands for 256), and its inverse. */
const SUBSTITUTE = new Uint8Array(256);
const UNDO_SUBSTITUTE = new Uint8Array(256);
for (let power = 1, at = 0; at < 256; at++, power = power * 3 % 257) {
  SUBSTITUTE[at] = power % 256;
  UNDO_SUBSTITUTE[power % 256] = at;
}

/** Where byte `at` goes in a round: 11 is odd, so every place is taken once. */
function placeOf(at: number): number {
  return (at * 11 + 7) % 32;
}

function keyByte(key: Uint8Array, round: number, at: number): number {
  return key[(at + 5 * round) % 32]! ^ round;
}

/** Four rounds of key, substitution and places, and a last key: a keyed permutation of 32 bytes. */
export function permuteSample({ key, block, inverse }: MethodBlock): Uint8Array {
  let state = block.slice();
  if (inverse) {
    state = state.map((byte, at) => byte ^ keyByte(key, ROUNDS, at));
    for (let round = ROUNDS - 1; round >= 0; round--) {
      const spread = state;
      state = state.map((_, at) =>
        UNDO_SUBSTITUTE[spread[placeOf(at)]!]! ^ keyByte(key, round, at)
      );
    }
    return state;
  }
  for (let round = 0; round < ROUNDS; round++) {
    const spread = new Uint8Array(32);
    state.forEach((byte, at) => spread[placeOf(at)] = SUBSTITUTE[byte ^ keyByte(key, round, at)]!);
    state = spread;
  }
  return state.map((byte, at) => byte ^ keyByte(key, ROUNDS, at));
}

/** A clock whose timers fire at once, for methods that never answer. */
export const HASTY_CLOCK: ModuleMethod["clock"] = {
  setTimer: (_delayMs, callback) => {
    queueMicrotask(callback);
    return () => {};
  },
};

/** A clock whose timers never fire. */
export const PATIENT_CLOCK: ModuleMethod["clock"] = { setTimer: () => () => {} };

export function sampleMethod(changes: Partial<ModuleMethod> = {}): ModuleMethod {
  return {
    name: "spiral_4",
    permute: (block) => Promise.resolve(permuteSample(block)),
    clock: PATIENT_CLOCK,
    ...changes,
  };
}

/** Methods that are not to be used, and how they are refused. */
export const BAD_METHODS: Readonly<Record<string, Partial<ModuleMethod> & { code: string }>> = {
  "permutes the same way in both directions": {
    permute: (block) => Promise.resolve(permuteSample({ ...block, inverse: false })),
    code: "method_not_invertible",
  },
  "undoes it in one direction only": {
    permute: ({ block, inverse }) =>
      Promise.resolve(inverse ? block : block.map((byte) => byte & 0xfe)),
    code: "method_not_invertible",
  },
  "never answers": {
    permute: () => new Promise(() => {}),
    clock: HASTY_CLOCK,
    code: "method_failed",
  },
  "rejects": { permute: () => Promise.reject(new Error("no")), code: "method_failed" },
  "throws": {
    permute: () => {
      throw new Error("no");
    },
    code: "method_failed",
  },
  "gives 31 bytes": { permute: () => Promise.resolve(new Uint8Array(31)), code: "method_failed" },
  "gives 33 bytes": { permute: () => Promise.resolve(new Uint8Array(33)), code: "method_failed" },
  "gives no bytes": {
    permute: () => Promise.resolve("x".repeat(32) as unknown as Uint8Array),
    code: "method_failed",
  },
};
