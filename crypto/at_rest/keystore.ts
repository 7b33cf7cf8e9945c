/**
 * The sealed keystore: a node's identity seed, noise keys and storage roots under a secret.
 *
 * Inside: `number of noise keys(1) ‖ seed(32) ‖ noise keys(32 each) ‖ storage roots(4 + 32 each)`, keys and roots newest
 * first, a root behind its number. The former form, without roots, is `seed ‖ noise keys` under a magic of its own.
 *
 * @module
 * @see ./stretched_box.ts for the box around it
 */
import { AuditKeys } from "./audit_lines.ts";
import { wipe } from "../primitives/bytes.ts";
import { concatBytes, enc, encodeUtf8 } from "../encoding.ts";
import type { Hashes } from "../primitives/hashes.ts";
import { CryptoError, type KeystoreCost } from "../interface.ts";
import {
  type BoxParts,
  decodeStretchHead,
  openBox,
  sealBox,
  STRETCH_HEAD_BYTES,
} from "./stretched_box.ts";

const KEY_BYTES = 32;
const NUMBER_BYTES = 4;
const MAGIC = "ORKEYS02";
/** Of the form without storage roots. */
const FORMER_MAGIC = "ORKEYS01";

/** How many noise keys are kept: each record naming one is good for a day. */
export const MAX_NOISE_KEYS = 16;
/** How many storage roots are kept: one more with each succession. */
export const MAX_STORAGE_ROOTS = 16;
const FORMER_BYTES = { min: 2 * KEY_BYTES, max: (1 + MAX_NOISE_KEYS) * KEY_BYTES };
const PLAIN_BYTES = {
  min: 1 + FORMER_BYTES.min,
  max: 1 + FORMER_BYTES.max + MAX_STORAGE_ROOTS * (NUMBER_BYTES + KEY_BYTES),
};

/** What the keys of modules are derived from. */
export interface StorageRoot {
  /** Grows with each succession; what is sealed under the root names it. */
  readonly number: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** What a keystore holds: 32 bytes each. */
export interface KeystoreContent {
  readonly seed: Uint8Array;
  /** Newest first, 1 to {@linkcode MAX_NOISE_KEYS}. */
  readonly noiseKeys: readonly Uint8Array[];
  /** Newest first, up to {@linkcode MAX_STORAGE_ROOTS}; none in a keystore of the former form. */
  readonly storage: readonly StorageRoot[];
}

/** A key of 32 bytes for one purpose; the caller's to wipe. */
export function deriveKey(hashes: Hashes, secret: Uint8Array, label: string): Uint8Array {
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

function encodeContent({ seed, noiseKeys, storage }: KeystoreContent): Uint8Array {
  const roots = storage.map(({ number, bytes }) => {
    const numbered = new Uint8Array(NUMBER_BYTES + KEY_BYTES);
    new DataView(numbered.buffer).setUint32(0, number);
    numbered.set(bytes, NUMBER_BYTES);
    return numbered;
  });
  const plain = concatBytes(Uint8Array.of(noiseKeys.length), seed, ...noiseKeys, ...roots);
  wipe(...roots);
  return plain;
}

/** Cuts a part of `bytes` into pieces of one length, each a copy; `null` where it is not a multiple of that. */
function cut(bytes: Uint8Array, length: number): Uint8Array[] | null {
  if (bytes.length % length !== 0) return null;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.slice(at, at + length));
  return pieces;
}

/** @returns `null` for what is not of the form. */
function decodeContent(plain: Uint8Array): KeystoreContent | null {
  const rootsAt = 1 + (1 + plain[0]!) * KEY_BYTES;
  if (plain[0] === 0 || plain[0]! > MAX_NOISE_KEYS || rootsAt > plain.length) return null;
  const [seed, ...noiseKeys] = cut(plain.subarray(1, rootsAt), KEY_BYTES) ?? [];
  const roots = cut(plain.subarray(rootsAt), NUMBER_BYTES + KEY_BYTES);
  if (seed === undefined || roots === null || roots.length > MAX_STORAGE_ROOTS) return null;
  const storage = roots.map((root) => ({
    number: new DataView(root.buffer).getUint32(0),
    bytes: root.subarray(NUMBER_BYTES),
  }));
  return { seed, noiseKeys, storage };
}

/** @returns `null` for what is not of the form. */
function decodeFormer(plain: Uint8Array): KeystoreContent | null {
  const [seed, ...noiseKeys] = cut(plain, KEY_BYTES) ?? [];
  return seed === undefined ? null : { seed, noiseKeys, storage: [] };
}

function isFormer(sealed: Uint8Array): boolean {
  return encodeUtf8(FORMER_MAGIC).every((byte, at) => sealed[at] === byte);
}

/** What a keystore was sealed at; `null` if it is not of a known form. */
export function costOfKeystore(sealed: Uint8Array): KeystoreCost | null {
  const head = new Uint8Array(sealed.subarray(0, STRETCH_HEAD_BYTES));
  return decodeStretchHead(head, isFormer(sealed) ? FORMER_MAGIC : MAGIC);
}

/**
 * Seals a keystore under a secret; both stay the caller's to wipe.
 * @throws {CryptoError} `bad_argument` on a secret or cost outside the limits.
 */
export async function sealKeystore(
  parts: BoxParts,
  options: { content: KeystoreContent; secret: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const { content, secret, cost } = options;
  const plain = encodeContent(content);
  try {
    return await sealBox(parts, { magic: MAGIC, secret, plain, cost });
  } finally {
    wipe(plain);
  }
}

/**
 * Opens a sealed keystore of either form. The content is the caller's to wipe.
 * @throws {CryptoError} `unseal_failed`, or `bad_argument` on a secret outside the limits.
 */
export async function unsealKeystore(
  parts: BoxParts,
  options: { sealed: Uint8Array; secret: Uint8Array },
): Promise<KeystoreContent> {
  const form = isFormer(options.sealed)
    ? { magic: FORMER_MAGIC, plainBytes: FORMER_BYTES, decode: decodeFormer }
    : { magic: MAGIC, plainBytes: PLAIN_BYTES, decode: decodeContent };
  const plain = await openBox(parts, { ...options, ...form });
  try {
    const content = form.decode(plain);
    if (content !== null) return content;
    throw new CryptoError("unseal_failed", "The keystore is not of a known form");
  } finally {
    wipe(plain);
  }
}
