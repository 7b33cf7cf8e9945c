/**
 * The sealed keystore: a node's identity seed and noise keys under a secret.
 *
 * `magic(8) ‖ memory in KiB(4) ‖ passes(4) ‖ salt(16) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`, big-endian.
 * AES-256-GCM under Argon2id(secret, salt), the AAD being all that stands before the ciphertext.
 * Inside: the 32-byte seed, then the noise keys of 32 bytes, newest first.
 *
 * @module
 */
import { TAG_BYTES } from "./aead.ts";
import { AuditKeys } from "./audit_lines.ts";
import { wipe } from "./bytes.ts";
import type { CoreParts } from "./core_parts.ts";
import { concatBytes, enc, encodeUtf8 } from "./encoding.ts";
import type { Hashes } from "./hashes.ts";
import { CryptoError, type KeystoreCost } from "./interface.ts";

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const MAGIC = encodeUtf8("ORKEYS01");
const SALT_AT = MAGIC.length + 8;
const NONCE_AT = SALT_AT + SALT_BYTES;
const HEAD_BYTES = NONCE_AT + NONCE_BYTES;

/** How many noise keys are kept: each record naming one is good for a day. */
export const MAX_NOISE_KEYS = 16;
const MIN_SEALED_BYTES = HEAD_BYTES + 2 * KEY_BYTES + TAG_BYTES;
const MAX_SEALED_BYTES = HEAD_BYTES + (1 + MAX_NOISE_KEYS) * KEY_BYTES + TAG_BYTES;

const DEFAULT_COST: KeystoreCost = { memoryKiB: 65_536, passes: 3 };
const MIN_MEMORY_KIB = 8;
/** 1 GiB and 32 passes, so that a planted file exhausts neither memory nor patience. */
const MAX_MEMORY_KIB = 2 ** 20;
const MAX_PASSES = 32;
const MAX_SECRET_BYTES = 1024;

/** What a keystore holds: 32 bytes each. */
export interface KeystoreContent {
  readonly seed: Uint8Array;
  /** Newest first, 1 to {@linkcode MAX_NOISE_KEYS}. */
  readonly noiseKeys: readonly Uint8Array[];
}

type KeystoreParts = Pick<CoreParts, "aeads" | "random" | "stretch">;

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

function deriveKey(hashes: Hashes, secret: Uint8Array, label: string): Uint8Array {
  const prk = hashes.hkdfExtract(new Uint8Array(0), secret);
  const key = hashes.hkdfExpand(prk, enc(label), KEY_BYTES);
  wipe(prk);
  return key;
}

/** The key of the token vault. */
export function deriveVaultKey(hashes: Hashes, secret: Uint8Array): Uint8Array {
  return deriveKey(hashes, secret, "openred/v3/vault");
}

/** The keys of the audit log. */
export function deriveAuditKeys(hashes: Hashes, secret: Uint8Array): AuditKeys {
  return new AuditKeys(
    deriveKey(hashes, secret, "openred/v3/audit"),
    deriveKey(hashes, secret, "openred/v3/audit-peers"),
  );
}

function encodeHead(cost: KeystoreCost, parts: KeystoreParts): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(MAGIC.length, cost.memoryKiB);
  view.setUint32(MAGIC.length + 4, cost.passes);
  head.set(parts.random(SALT_BYTES), SALT_AT);
  head.set(parts.random(NONCE_BYTES), NONCE_AT);
  return head;
}

function decodeCost(head: Uint8Array): KeystoreCost | null {
  if (MAGIC.some((byte, at) => head[at] !== byte)) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const memoryKiB = view.getUint32(MAGIC.length);
  const passes = view.getUint32(MAGIC.length + 4);
  return isSaneCost({ memoryKiB, passes }) ? { memoryKiB, passes } : null;
}

function stretchSecret(
  parts: KeystoreParts,
  options: { secret: Uint8Array; head: Uint8Array; cost: KeystoreCost },
): Promise<Uint8Array> {
  const { secret, head, cost } = options;
  const salt = head.subarray(SALT_AT, NONCE_AT);
  return parts.stretch({ secret, salt, ...cost, length: KEY_BYTES });
}

/**
 * Seals a keystore under a secret of 1 to 1,024 bytes; both stay the caller's to wipe.
 * @throws {CryptoError} `bad_argument` on a secret or cost outside the limits.
 */
export async function sealKeystore(
  parts: KeystoreParts,
  options: { content: KeystoreContent; secret: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const { content, secret, cost = DEFAULT_COST } = options;
  checkSecret(secret);
  if (!isSaneCost(cost)) {
    throw new CryptoError("bad_argument", "Expected 8 KiB to 1 GiB of memory and 1 to 32 passes");
  }
  const plain = concatBytes(content.seed, ...content.noiseKeys);
  try {
    const head = encodeHead(cost, parts);
    const key = await stretchSecret(parts, { secret, head, cost });
    const sealed = parts.aeads.aes256Gcm.seal(key, head.subarray(NONCE_AT), head, plain);
    wipe(key);
    return concatBytes(head, sealed);
  } finally {
    wipe(plain);
  }
}

/**
 * Opens a sealed keystore. The content is the caller's to wipe.
 * @throws {CryptoError} `unseal_failed`, or `bad_argument` on a secret outside the limits.
 */
export async function unsealKeystore(
  parts: KeystoreParts,
  options: { sealed: Uint8Array; secret: Uint8Array },
): Promise<KeystoreContent> {
  const { sealed, secret } = options;
  checkSecret(secret);
  const head = new Uint8Array(sealed.subarray(0, HEAD_BYTES));
  const cost = sealed.length >= MIN_SEALED_BYTES && sealed.length <= MAX_SEALED_BYTES
    ? decodeCost(head)
    : null;
  if (cost === null) throw new CryptoError("unseal_failed", "The keystore is not of a known form");
  const box = new Uint8Array(sealed.subarray(HEAD_BYTES));
  const key = await stretchSecret(parts, { secret, head, cost });
  const plain = parts.aeads.aes256Gcm.open(key, head.subarray(NONCE_AT), head, box);
  wipe(key);
  if (plain === null || plain.length % KEY_BYTES !== 0) {
    wipe(plain);
    throw new CryptoError("unseal_failed", "The keystore does not open with this secret");
  }
  const keys: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += KEY_BYTES) keys.push(plain.slice(at, at + KEY_BYTES));
  wipe(plain);
  const [seed, ...noiseKeys] = keys;
  return { seed: seed!, noiseKeys };
}
