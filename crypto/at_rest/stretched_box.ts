/**
 * A box that a secret of a person or of a file opens: what is inside is sealed under Argon2id of the secret, whose
 * parameters stand in front.
 *
 * `magic(8) ‖ memory in KiB(4) ‖ passes(4) ‖ salt(16) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`, big-endian.
 * AES-256-GCM under Argon2id(secret, salt), the AAD being all that stands before the ciphertext.
 *
 * @module
 * @see docs/PROTOCOL.md, "Keys at rest"
 */
import { TAG_BYTES } from "../primitives/aead.ts";
import { wipe } from "../primitives/bytes.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { concatBytes, encodeUtf8 } from "../encoding.ts";
import { CryptoError, type KeystoreCost, MAX_SECRET_BYTES } from "../interface.ts";

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const MAGIC_BYTES = 8;
const SALT_AT = MAGIC_BYTES + 8;
const NONCE_AT = SALT_AT + SALT_BYTES;
const HEAD_BYTES = NONCE_AT + NONCE_BYTES;

const DEFAULT_COST: KeystoreCost = { memoryKiB: 65_536, passes: 3 };
const MIN_MEMORY_KIB = 8;
/** 1 GiB and 32 passes, so that a planted file exhausts neither memory nor patience. */
const MAX_MEMORY_KIB = 2 ** 20;
const MAX_PASSES = 32;

export type BoxParts = Pick<CoreParts, "aeads" | "random" | "stretch">;

function isSaneCost({ memoryKiB, passes }: KeystoreCost): boolean {
  return Number.isInteger(memoryKiB) && Number.isInteger(passes) &&
    memoryKiB >= MIN_MEMORY_KIB && memoryKiB <= MAX_MEMORY_KIB &&
    passes >= 1 && passes <= MAX_PASSES;
}

/** @throws {CryptoError} `bad_argument` on an empty or overlong secret. */
export function checkSecret(secret: Uint8Array): void {
  if (!(secret instanceof Uint8Array) || secret.length < 1 || secret.length > MAX_SECRET_BYTES) {
    throw new CryptoError(
      "bad_argument",
      `Expected a secret of 1 to ${MAX_SECRET_BYTES} bytes`,
    );
  }
}

function encodeHead(
  parts: BoxParts,
  options: { magic: string; cost: KeystoreCost },
): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(encodeUtf8(options.magic));
  view.setUint32(MAGIC_BYTES, options.cost.memoryKiB);
  view.setUint32(MAGIC_BYTES + 4, options.cost.passes);
  head.set(parts.random(SALT_BYTES), SALT_AT);
  head.set(parts.random(NONCE_BYTES), NONCE_AT);
  return head;
}

function decodeCost(head: Uint8Array, magic: string): KeystoreCost | null {
  if (encodeUtf8(magic).some((byte, at) => head[at] !== byte)) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const memoryKiB = view.getUint32(MAGIC_BYTES);
  const passes = view.getUint32(MAGIC_BYTES + 4);
  return isSaneCost({ memoryKiB, passes }) ? { memoryKiB, passes } : null;
}

function stretchSecret(
  parts: BoxParts,
  options: { secret: Uint8Array; head: Uint8Array; cost: KeystoreCost },
): Promise<Uint8Array> {
  const { secret, head, cost } = options;
  const salt = head.subarray(SALT_AT, NONCE_AT);
  return parts.stretch({ secret, salt, ...cost, length: KEY_BYTES });
}

/** The length of a head without a nonce: `magic ‖ memory ‖ passes ‖ salt`. */
export const STRETCH_HEAD_BYTES = NONCE_AT;

/**
 * Makes a head with a fresh salt and without a nonce.
 * @throws {CryptoError} `bad_argument` on a cost outside the limits.
 */
export function encodeStretchHead(
  parts: BoxParts,
  options: { magic: string; cost?: KeystoreCost | undefined },
): Uint8Array<ArrayBuffer> {
  const { magic, cost = DEFAULT_COST } = options;
  checkCost(cost);
  return encodeHead(parts, { magic, cost }).slice(0, STRETCH_HEAD_BYTES);
}

/** What stretching under a head costs, or `null` if it is not of the form. */
export function decodeStretchHead(head: Uint8Array, magic: string): KeystoreCost | null {
  return head.length === STRETCH_HEAD_BYTES ? decodeCost(head, magic) : null;
}

/**
 * The key of a secret and a head of {@linkcode encodeStretchHead}; the secret stays the caller's to wipe.
 * @throws {CryptoError} `bad_argument` on a secret outside the limits.
 */
export async function stretchUnderHead(
  parts: BoxParts,
  options: { secret: Uint8Array; head: Uint8Array },
): Promise<Uint8Array> {
  checkSecret(options.secret);
  const view = new DataView(options.head.buffer, options.head.byteOffset);
  const cost = { memoryKiB: view.getUint32(MAGIC_BYTES), passes: view.getUint32(MAGIC_BYTES + 4) };
  return await stretchSecret(parts, { ...options, cost });
}

function checkCost(cost: KeystoreCost): void {
  if (isSaneCost(cost)) return;
  throw new CryptoError("bad_argument", "Expected 8 KiB to 1 GiB of memory and 1 to 32 passes");
}

/**
 * Seals bytes under a secret of 1 to {@linkcode MAX_SECRET_BYTES}; both stay the caller's to wipe.
 * @param options `magic`: 8 ASCII characters that tell one kind of box from another.
 * @throws {CryptoError} `bad_argument` on a secret or cost outside the limits.
 */
export async function sealBox(
  parts: BoxParts,
  options: {
    magic: string;
    secret: Uint8Array;
    plain: Uint8Array;
    cost?: KeystoreCost | undefined;
  },
): Promise<Uint8Array> {
  const { magic, secret, plain, cost = DEFAULT_COST } = options;
  checkSecret(secret);
  checkCost(cost);
  const head = encodeHead(parts, { magic, cost });
  const key = await stretchSecret(parts, { secret, head, cost });
  const sealed = parts.aeads.aes256Gcm.seal(key, head.subarray(NONCE_AT), head, plain);
  wipe(key);
  return concatBytes(head, sealed);
}

/**
 * Opens a box. What was inside is the caller's to wipe.
 * @param options `plainBytes`: how long that may be.
 * @throws {CryptoError} `unseal_failed`, or `bad_argument` on a secret outside the limits.
 */
export async function openBox(
  parts: BoxParts,
  options: {
    magic: string;
    secret: Uint8Array;
    sealed: Uint8Array;
    plainBytes: { readonly min: number; readonly max: number };
  },
): Promise<Uint8Array> {
  const { magic, secret, sealed, plainBytes } = options;
  checkSecret(secret);
  const length = sealed.length - HEAD_BYTES - TAG_BYTES;
  const head = new Uint8Array(sealed.subarray(0, HEAD_BYTES));
  const isOfForm = length >= plainBytes.min && length <= plainBytes.max;
  const cost = isOfForm ? decodeCost(head, magic) : null;
  if (cost === null) throw new CryptoError("unseal_failed", "The box is not of a known form");
  const key = await stretchSecret(parts, { secret, head, cost });
  const box = new Uint8Array(sealed.subarray(HEAD_BYTES));
  const plain = parts.aeads.aes256Gcm.open(key, head.subarray(NONCE_AT), head, box);
  wipe(key);
  if (plain === null) {
    throw new CryptoError("unseal_failed", "The box does not open with this secret");
  }
  return plain;
}
