/**
 * The sealed keystore: a node's identity seed and noise keys under a secret.
 * Inside: the 32-byte seed, then the noise keys of 32 bytes, newest first.
 *
 * @module
 * @see ./stretched_box.ts for the form
 */
import { AuditKeys } from "./audit_lines.ts";
import { wipe } from "../primitives/bytes.ts";
import { concatBytes, enc } from "../encoding.ts";
import type { Hashes } from "../primitives/hashes.ts";
import { CryptoError, type KeystoreCost } from "../interface.ts";
import { type BoxParts, openBox, sealBox } from "./stretched_box.ts";

const KEY_BYTES = 32;
const MAGIC = "ORKEYS01";

/** How many noise keys are kept: each record naming one is good for a day. */
export const MAX_NOISE_KEYS = 16;
const PLAIN_BYTES = { min: 2 * KEY_BYTES, max: (1 + MAX_NOISE_KEYS) * KEY_BYTES };

/** What a keystore holds: 32 bytes each. */
export interface KeystoreContent {
  readonly seed: Uint8Array;
  /** Newest first, 1 to {@linkcode MAX_NOISE_KEYS}. */
  readonly noiseKeys: readonly Uint8Array[];
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

/**
 * Seals a keystore under a secret of 1 to 1,024 bytes; both stay the caller's to wipe.
 * @throws {CryptoError} `bad_argument` on a secret or cost outside the limits.
 */
export async function sealKeystore(
  parts: BoxParts,
  options: { content: KeystoreContent; secret: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const { content, secret, cost } = options;
  const plain = concatBytes(content.seed, ...content.noiseKeys);
  try {
    return await sealBox(parts, { magic: MAGIC, secret, plain, cost });
  } finally {
    wipe(plain);
  }
}

/**
 * Opens a sealed keystore. The content is the caller's to wipe.
 * @throws {CryptoError} `unseal_failed`, or `bad_argument` on a secret outside the limits.
 */
export async function unsealKeystore(
  parts: BoxParts,
  options: { sealed: Uint8Array; secret: Uint8Array },
): Promise<KeystoreContent> {
  const { sealed, secret } = options;
  const plain = await openBox(parts, { magic: MAGIC, secret, sealed, plainBytes: PLAIN_BYTES });
  if (plain.length % KEY_BYTES !== 0) {
    wipe(plain);
    throw new CryptoError("unseal_failed", "The keystore is not of a known form");
  }
  const keys: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += KEY_BYTES) keys.push(plain.slice(at, at + KEY_BYTES));
  wipe(plain);
  const [seed, ...noiseKeys] = keys;
  return { seed: seed!, noiseKeys };
}
