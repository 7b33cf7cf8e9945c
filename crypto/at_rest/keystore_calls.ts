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
import {
  CryptoError,
  type KeystoreCost,
  type NoiseKeyInfo,
  type OpenedKeystore,
} from "../interface.ts";
import { HeldKeystore, type HeldNoiseKey } from "./held_keystore.ts";
import {
  costOfKeystore,
  deriveAuditKeys,
  deriveVaultKey,
  type KeystoreContent,
  MAX_NOISE_KEYS,
  sealKeystore,
  unsealKeystore,
} from "./keystore.ts";
import { IdentityKey, NoiseKey, VaultKey } from "../keyring/keyring.ts";
import { unsealSecret } from "./sealed_secret.ts";
import { StorageRoots, wipeRoots, withFreshRoot } from "./storage_roots.ts";
import { checkSecret } from "./stretched_box.ts";

type KeystoreCalls = Pick<CallTable, "createKeystore" | "openKeystore" | "addNoiseKey">;

function holdNoiseKey(parts: CoreParts, privateKey: Uint8Array): HeldNoiseKey {
  const key = DhKey.fromPrivate(privateKey);
  return {
    privateKey,
    publicKey: key.publicKey,
    ref: parts.ring.add(new NoiseKey(key)),
  };
}

function describeNoiseKeys(keystore: HeldKeystore): NoiseKeyInfo[] {
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
  const content = {
    seed: parts.random(32),
    noiseKeys: [parts.random(32)],
    storage: withFreshRoot(parts.random, []),
  };
  try {
    const { nodeId } = new IdentityKey(SigningKey.fromSeed(content.seed));
    return { sealed: await sealKeystore(parts, { content, secret, cost }), nodeId };
  } finally {
    wipe(content.seed, ...content.noiseKeys);
    wipeRoots(content.storage);
  }
}

/** A keystore of the former form gets its first storage root, and is sealed as it was sealed. */
async function resealFormer(
  parts: CoreParts,
  options: { sealed: Uint8Array; secret: Uint8Array; content: KeystoreContent },
): Promise<{ content: KeystoreContent; resealed: Uint8Array | null }> {
  const { sealed, secret, content } = options;
  if (content.storage.length > 0) return { content, resealed: null };
  const grown = { ...content, storage: withFreshRoot(parts.random, []) };
  const cost = costOfKeystore(sealed) ?? undefined;
  return { content: grown, resealed: await sealKeystore(parts, { content: grown, secret, cost }) };
}

/** Gives out handles to all that an opened keystore holds, which is the handles' from here on. */
function hold(
  parts: CoreParts,
  { content, secret }: { content: KeystoreContent; secret: Uint8Array },
): Omit<OpenedKeystore, "resealed" | "stretchMs"> {
  const { seed, storage } = content;
  const vaultKey = deriveVaultKey(parts.hashes, secret);
  const identity = new IdentityKey(SigningKey.fromSeed(seed));
  const keystore = new HeldKeystore({ seed, vaultKey, storage });
  const keystoreRef = parts.ring.add(keystore);
  keystore.noiseKeys = content.noiseKeys.map((key) => holdNoiseKey(parts, key));
  return {
    keystore: keystoreRef,
    identity: parts.ring.add(identity),
    nodeId: identity.nodeId,
    noiseKeys: describeNoiseKeys(keystore),
    vault: parts.ring.add(new VaultKey(vaultKey.slice())),
    audit: parts.ring.add(deriveAuditKeys(parts.hashes, secret)),
    storage: parts.ring.add(new StorageRoots(storage)),
  };
}

/** Does something with the secret of a keystore, which is wiped where it had to be unsealed first. */
async function withSecret<T>(
  parts: CoreParts,
  options: { secret: Uint8Array; sealedSecret?: Uint8Array },
  work: (secret: Uint8Array) => Promise<T>,
): Promise<T> {
  const { sealedSecret: sealed, secret: passphrase } = options;
  if (sealed === undefined) return await work(passphrase);
  const secret = await unsealSecret(parts, { sealed, passphrase });
  try {
    return await work(secret);
  } finally {
    wipe(secret);
  }
}

function openKeystore(
  parts: CoreParts,
  options: Parameters<CallTable["openKeystore"]>[0],
): Promise<OpenedKeystore> {
  const { sealed } = options;
  checkByteArray(sealed, "a sealed keystore");
  const beforeMs = parts.stretchedMs();
  return withSecret(parts, options, async (secret) => {
    const opened = await unsealKeystore(parts, { sealed, secret });
    const { content, resealed } = await resealFormer(parts, { sealed, secret, content: opened });
    const stretchMs = Math.round(parts.stretchedMs() - beforeMs);
    return { ...hold(parts, { content, secret }), resealed, stretchMs };
  });
}

/** Whether a secret is the one that a keystore was opened with. */
function isSecretOf(parts: CoreParts, keystore: HeldKeystore, secret: Uint8Array): boolean {
  checkSecret(secret);
  const vaultKey = deriveVaultKey(parts.hashes, secret);
  const isSame = equalBytes(vaultKey, keystore.vaultKey);
  wipe(vaultKey);
  return isSame;
}

async function addNoiseKey(
  parts: CoreParts,
  options: { keystore: HeldKeystore; secret: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<{ sealed: Uint8Array; noiseKeys: readonly NoiseKeyInfo[] }> {
  const { keystore, secret, cost } = options;
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
}

export function createKeystoreCalls(parts: CoreParts): KeystoreCalls {
  return {
    createKeystore: (options) => createKeystore(parts, options),
    openKeystore: (options) => openKeystore(parts, options),
    addNoiseKey: (options) => {
      const keystore = parts.ring.get(options.keystore, HeldKeystore);
      const { cost } = options;
      return withSecret(
        parts,
        options,
        (secret) => addNoiseKey(parts, { keystore, secret, cost }),
      );
    },
  };
}
