/**
 * An opened keystore inside the core: what sealing it again takes.
 *
 * @module
 */
import { wipe } from "../primitives/bytes.ts";
import type { KeyRef } from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import type { KeystoreContent, StorageRoot } from "./keystore.ts";
import { wipeRoots } from "./storage_roots.ts";

export interface HeldNoiseKey {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  ref: KeyRef;
}

/** An opened keystore, which owns what it holds. */
export class HeldKeystore implements Held {
  readonly seed: Uint8Array;
  /** Tells whether a secret is the one it was opened with. */
  readonly vaultKey: Uint8Array;
  readonly storage: readonly StorageRoot[];
  noiseKeys: HeldNoiseKey[] = [];

  constructor(
    parts: { seed: Uint8Array; vaultKey: Uint8Array; storage: readonly StorageRoot[] },
  ) {
    this.seed = parts.seed;
    this.vaultKey = parts.vaultKey;
    this.storage = parts.storage;
  }

  get content(): KeystoreContent {
    const noiseKeys = this.noiseKeys.map(({ privateKey }) => privateKey);
    return { seed: this.seed, noiseKeys, storage: this.storage };
  }

  wipe(): void {
    wipe(this.seed, this.vaultKey, ...this.noiseKeys.map(({ privateKey }) => privateKey));
    wipeRoots(this.storage);
  }
}
