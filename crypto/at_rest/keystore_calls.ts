/**
 * The calls around keystores.
 *
 * @module
 */
import { equalBytes, wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkByteArray } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { DhKey, SigningKey } from "../primitives/curves.ts";
import { CryptoError, type KeyRef, type NoiseKeyInfo, type OpenedKeystore } from "../interface.ts";
import {
  deriveAuditKeys,
  deriveVaultKey,
  type KeystoreContent,
  MAX_NOISE_KEYS,
  sealKeystore,
  unsealKeystore,
} from "./keystore.ts";
import { type Held, IdentityKey, NoiseKey, VaultKey } from "../keyring/keyring.ts";
import { unsealSecret } from "./sealed_secret.ts";
import { checkSecret } from "./stretched_box.ts";

type KeystoreCalls = Pick<CallTable, "createKeystore" | "openKeystore" | "addNoiseKey">;

interface StoredNoiseKey {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  ref: KeyRef;
}

/** An opened keystore: what sealing it again takes. */
class Keystore implements Held {
  readonly seed: Uint8Array;
  /** Tells whether a secret is the one it was opened with. */
  readonly vaultKey: Uint8Array;
  noiseKeys: StoredNoiseKey[] = [];

  constructor(seed: Uint8Array, vaultKey: Uint8Array) {
    this.seed = seed;
    this.vaultKey = vaultKey;
  }

  get content(): KeystoreContent {
    return { seed: this.seed, noiseKeys: this.noiseKeys.map((stored) => stored.privateKey) };
  }

  wipe(): void {
    wipe(this.seed, this.vaultKey, ...this.noiseKeys.map((stored) => stored.privateKey));
  }
}

function holdNoiseKey(parts: CoreParts, privateKey: Uint8Array): StoredNoiseKey {
  const key = DhKey.fromPrivate(privateKey);
  return {
    privateKey,
    publicKey: key.publicKey,
    ref: parts.ring.add(new NoiseKey(key)),
  };
}

function describeNoiseKeys(keystore: Keystore): NoiseKeyInfo[] {
  return keystore.noiseKeys.map(({ ref, publicKey }) => ({
    key: ref,
    publicKey: new Uint8Array(publicKey),
  }));
}

async function createKeystore(
  parts: CoreParts,
  options: Parameters<CallTable["createKeystore"]>[0],
): Promise<{ sealed: Uint8Array; nodeId: string }> {
  const { secret, cost } = options;
  const content = { seed: parts.random(32), noiseKeys: [parts.random(32)] };
  try {
    const { nodeId } = new IdentityKey(SigningKey.fromSeed(content.seed));
    return { sealed: await sealKeystore(parts, { content, secret, cost }), nodeId };
  } finally {
    wipe(secret, content.seed, ...content.noiseKeys);
  }
}

async function openKeystore(
  parts: CoreParts,
  options: Parameters<CallTable["openKeystore"]>[0],
): Promise<OpenedKeystore> {
  const { sealed, sealedSecret } = options;
  let { secret } = options;
  try {
    checkByteArray(sealed, "a sealed keystore");
    if (sealedSecret !== undefined) {
      const passphrase = secret;
      secret = await unsealSecret(parts, { sealed: sealedSecret, passphrase });
    }
    const content = await unsealKeystore(parts, { sealed, secret });
    const vaultKey = deriveVaultKey(parts.hashes, secret);
    const identity = new IdentityKey(SigningKey.fromSeed(content.seed));
    const keystore = new Keystore(content.seed, vaultKey);
    const keystoreRef = parts.ring.add(keystore);
    keystore.noiseKeys = content.noiseKeys.map((key) => holdNoiseKey(parts, key));
    return {
      keystore: keystoreRef,
      identity: parts.ring.add(identity),
      nodeId: identity.nodeId,
      noiseKeys: describeNoiseKeys(keystore),
      vault: parts.ring.add(new VaultKey(vaultKey.slice())),
      audit: parts.ring.add(deriveAuditKeys(parts.hashes, secret)),
    };
  } finally {
    wipe(secret, options.secret);
  }
}

/** Whether a secret is the one that a keystore was opened with. */
function isSecretOf(parts: CoreParts, keystore: Keystore, secret: Uint8Array): boolean {
  checkSecret(secret);
  const vaultKey = deriveVaultKey(parts.hashes, secret);
  const isSame = equalBytes(vaultKey, keystore.vaultKey);
  wipe(vaultKey);
  return isSame;
}

async function addNoiseKey(
  parts: CoreParts,
  options: Parameters<CallTable["addNoiseKey"]>[0],
): Promise<{ sealed: Uint8Array; noiseKeys: readonly NoiseKeyInfo[] }> {
  const { secret, cost } = options;
  try {
    const keystore = parts.ring.get(options.keystore, Keystore);
    // Otherwise a mistyped passphrase would lock the operator out of what he seals here.
    if (!isSecretOf(parts, keystore, secret)) {
      throw new CryptoError("unseal_failed", "The secret is not the keystore's");
    }
    const added = holdNoiseKey(parts, parts.random(32));
    // Before sealing, so that of two calls at once the later one seals both keys.
    const dropped = keystore.noiseKeys.slice(MAX_NOISE_KEYS - 1);
    keystore.noiseKeys = [added, ...keystore.noiseKeys.slice(0, MAX_NOISE_KEYS - 1)];
    try {
      const sealed = await sealKeystore(parts, { content: keystore.content, secret, cost });
      for (const { privateKey } of dropped) wipe(privateKey);
      for (const stored of keystore.noiseKeys) {
        if (!parts.ring.has(stored.ref)) {
          stored.ref = parts.ring.add(new NoiseKey(DhKey.fromPrivate(stored.privateKey)));
        }
      }
      return { sealed, noiseKeys: describeNoiseKeys(keystore) };
    } catch (error) {
      keystore.noiseKeys = [...keystore.noiseKeys.filter((key) => key !== added), ...dropped];
      parts.ring.release(added.ref);
      wipe(added.privateKey);
      throw error;
    }
  } finally {
    wipe(secret);
  }
}

export function createKeystoreCalls(parts: CoreParts): KeystoreCalls {
  return {
    createKeystore: (options) => createKeystore(parts, options),
    openKeystore: (options) => openKeystore(parts, options),
    addNoiseKey: (options) => addNoiseKey(parts, options),
  };
}
