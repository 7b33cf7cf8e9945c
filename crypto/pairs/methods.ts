/**
 * The four steps, the four built-in methods made of them, and their inverses.
 *
 * @module
 * @see docs/PROTOCOL.md, "Methods"
 */
import { assertBytes, wipe, xorInto } from "../primitives/bytes.ts";
import type { TokenHashes } from "../primitives/hashes.ts";
import { CryptoError, type CryptoMethod } from "../interface.ts";

const STATE_BYTES = 32;
const HALF_BYTES = 16;
const STREAM_BYTES = 320;
const PERMUTE_OFFSET = 64;
const CASCADE_OFFSET = 192;
const ROUND_KEY_BYTES = 32;
const ROUNDS: readonly number[] = [0, 1, 2, 3];
const ROUNDS_BACKWARD: readonly number[] = [3, 2, 1, 0];

/** Which token of a pair: alpha is the initiator's, beta the responder's. */
export type TokenVariant = "variant_alpha" | "variant_beta";

/** What a transformation depends on, besides the state. */
export interface TransformInput {
  readonly method: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly variant: TokenVariant;
  readonly nodeId: string;
  /** Milliseconds. */
  readonly issuedAt: number;
}

type Step = "xor" | "rotate" | "permute" | "cascade";

/** Changes the 32-byte state in place. */
type StepFunction = (state: Uint8Array, stream: Uint8Array, hashes: TokenHashes) => void;

const METHODS: Readonly<Record<CryptoMethod, readonly Step[]>> = {
  alpha: ["xor", "rotate", "permute", "cascade"],
  beta: ["rotate", "cascade", "xor", "permute"],
  gamma: ["permute", "xor", "cascade", "rotate"],
  delta: ["cascade", "permute", "rotate", "xor"],
};

const FORWARD: Readonly<Record<Step, StepFunction>> = {
  xor: xorInto,
  rotate: (state, stream) => rotateLeft(state, stream[32]!),
  permute,
  cascade,
};

const BACKWARD: Readonly<Record<Step, StepFunction>> = {
  xor: xorInto,
  rotate: (state, stream) => rotateLeft(state, 256 - stream[32]!),
  permute: undoPermute,
  cascade: undoCascade,
};

/** Rotates the state, read as a 256-bit big-endian number, left by 0 to 256 bits. */
function rotateLeft(state: Uint8Array, bits: number): void {
  const left = bits & 7;
  const first = state[0]!;
  for (let i = 0; i < STATE_BYTES - 1; i++) {
    state[i] = state[i]! << left | state[i + 1]! >> (8 - left);
  }
  state[STATE_BYTES - 1] = state[STATE_BYTES - 1]! << left | first >> (8 - left);
  rotateBytesLeft(state, (bits >> 3) % STATE_BYTES);
}

/** Three reversals, so that nothing secret is copied. */
function rotateBytesLeft(state: Uint8Array, bytes: number): void {
  reverse(state, 0, bytes - 1);
  reverse(state, bytes, STATE_BYTES - 1);
  reverse(state, 0, STATE_BYTES - 1);
}

function reverse(state: Uint8Array, from: number, to: number): void {
  for (let i = from, j = to; i < j; i++, j--) swap(state, i, j);
}

/** The byte that step `i` of the Fisher–Yates shuffle swaps with byte `i`. */
function swapPartner(stream: Uint8Array, i: number): number {
  const at = PERMUTE_OFFSET + 4 * (31 - i);
  const word = stream[at]! << 24 | stream[at + 1]! << 16 | stream[at + 2]! << 8 | stream[at + 3]!;
  return (word >>> 0) % (i + 1);
}

function swap(state: Uint8Array, i: number, j: number): void {
  const byte = state[i]!;
  state[i] = state[j]!;
  state[j] = byte;
}

function permute(state: Uint8Array, stream: Uint8Array): void {
  for (let i = 31; i >= 1; i--) swap(state, i, swapPartner(stream, i));
}

function undoPermute(state: Uint8Array, stream: Uint8Array): void {
  for (let i = 1; i <= 31; i++) swap(state, i, swapPartner(stream, i));
}

/** The Feistel rounds in the given order, each half being the other's input in turn. */
function runRounds(
  hashes: TokenHashes,
  rounds: readonly number[],
  { state, stream }: { state: Uint8Array; stream: Uint8Array },
): void {
  for (const round of rounds) {
    // An even number of rounds in all: the halves trade roles instead of places.
    const source = round % 2 === 0 ? HALF_BYTES : 0;
    const target = HALF_BYTES - source;
    const keyAt = CASCADE_OFFSET + ROUND_KEY_BYTES * round;
    const input = hashes.input().raw(stream, keyAt, keyAt + ROUND_KEY_BYTES)
      .raw(state, source, source + HALF_BYTES);
    const mask = hashes.sha256(input.view());
    for (let i = 0; i < HALF_BYTES; i++) state[target + i]! ^= mask[i]!;
    mask.fill(0);
  }
}

function cascade(state: Uint8Array, stream: Uint8Array, hashes: TokenHashes): void {
  runRounds(hashes, ROUNDS, { state, stream });
}

function undoCascade(state: Uint8Array, stream: Uint8Array, hashes: TokenHashes): void {
  runRounds(hashes, ROUNDS_BACKWARD, { state, stream });
}

/** Whether every node knows this method. */
export function isBuiltInMethod(method: string): method is CryptoMethod {
  return Object.hasOwn(METHODS, method);
}

function stepsOf(method: string): readonly Step[] {
  if (!isBuiltInMethod(method)) {
    throw new CryptoError("bad_argument", "The method is not one of the built-in ones");
  }
  return METHODS[method];
}

/**
 * The stream of one token, 320 bytes, the caller's to wipe.
 * @throws {RangeError} On a salt that is not 32 bytes.
 */
export function streamOf(hashes: TokenHashes, input: TransformInput): Uint8Array {
  assertBytes(input.salt, STATE_BYTES, "a salt");
  const { salt, method, variant, nodeId, issuedAt } = input;
  const seed = hashes.input().text("openred/v3/transform").bytes(salt).text(method).text(variant)
    .text(nodeId).integer(issuedAt);
  return hashes.blake3(seed.view(), STREAM_BYTES);
}

/**
 * Turns a 32-byte state into a token with the four steps of `input.method`.
 * @returns A new array; `state` stays as it was.
 * @throws {CryptoError} `bad_argument` for a method that is not built in.
 * @throws {RangeError} On a salt or state that is not 32 bytes.
 * @see docs/PROTOCOL.md, "Methods"
 */
export function transform(
  hashes: TokenHashes,
  input: TransformInput,
  state: Uint8Array,
): Uint8Array {
  assertBytes(state, STATE_BYTES, "a state");
  const steps = stepsOf(input.method);
  const stream = streamOf(hashes, input);
  const result = state.slice();
  for (const step of steps) FORWARD[step](result, stream, hashes);
  wipe(stream);
  return result;
}

/**
 * Undoes {@linkcode transform}.
 * @returns A new array; `state` stays as it was.
 * @throws As {@linkcode transform}.
 */
export function reverseTransform(
  hashes: TokenHashes,
  input: TransformInput,
  state: Uint8Array,
): Uint8Array {
  assertBytes(state, STATE_BYTES, "a state");
  const steps = stepsOf(input.method);
  const stream = streamOf(hashes, input);
  const result = state.slice();
  for (let i = steps.length - 1; i >= 0; i--) BACKWARD[steps[i]!](result, stream, hashes);
  wipe(stream);
  return result;
}
