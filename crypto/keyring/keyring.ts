/**
 * The table of everything secret that callers know only by a handle.
 *
 * @module
 */
import type { DhKey, SigningKey } from "../primitives/curves.ts";
import { encodeNodeId } from "../encoding.ts";
import { CryptoError, type KeyRef } from "../interface.ts";

/** Something a handle stands for. */
export interface Held {
  /** Overwrites or lets go of every secret; the object is of no use afterwards. */
  wipe(): void;
}

/** The class that a handle has to stand for. */
type KindOf<T extends Held> = abstract new (...args: never[]) => T;

/**
 * Handles and what they stand for. A handle is never given out twice. The table is as large as its
 * callers let it become: whoever is given a handle releases it.
 */
export class Keyring {
  readonly #held = new Map<number, Held>();
  #lastRef = 0;
  #isClosed = false;

  get size(): number {
    return this.#held.size;
  }

  /** @throws {CryptoError} `core_failed` once closed; what should have been held is wiped then. */
  add(held: Held): KeyRef {
    if (this.#isClosed) {
      held.wipe();
      throw new CryptoError("core_failed", "The crypto core was stopped");
    }
    this.#lastRef++;
    this.#held.set(this.#lastRef, held);
    return this.#lastRef as KeyRef;
  }

  has(ref: KeyRef): boolean {
    return this.#held.has(ref);
  }

  /** @throws {CryptoError} `key_unknown`, or `bad_argument` for a handle of another kind. */
  get<T extends Held>(ref: KeyRef, kind: KindOf<T>): T {
    const held = this.#held.get(ref);
    if (held === undefined) throw new CryptoError("key_unknown", "There is no such handle");
    if (held instanceof kind) return held;
    throw new CryptoError("bad_argument", `Expected a handle of kind ${kind.name}`);
  }

  /** All of a kind. */
  *all<T extends Held>(kind: KindOf<T>): IterableIterator<T> {
    for (const held of this.#held.values()) if (held instanceof kind) yield held;
  }

  /** As {@linkcode get}, and forgets the handle. What it stood for is the caller's to wipe. */
  take<T extends Held>(ref: KeyRef, kind: KindOf<T>): T {
    const held = this.get(ref, kind);
    this.#held.delete(ref);
    return held;
  }

  /** Forgets a handle and wipes what it stood for; an unknown one is ignored. */
  release(ref: KeyRef): void {
    this.#held.get(ref)?.wipe();
    this.#held.delete(ref);
  }

  /** Releases everything and takes nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held.values()) held.wipe();
    this.#held.clear();
  }
}

/** The key that signs for a node. */
export class IdentityKey implements Held {
  readonly key: SigningKey;
  readonly nodeId: string;

  constructor(key: SigningKey) {
    this.key = key;
    this.nodeId = encodeNodeId(key.publicKey);
  }

  wipe(): void {
    this.key.wipe();
  }
}

/** A static X25519 key. */
export class NoiseKey implements Held {
  readonly key: DhKey;

  constructor(key: DhKey) {
    this.key = key;
  }

  wipe(): void {
    this.key.wipe();
  }
}

/** The 32-byte key of the token vault. */
export class VaultKey implements Held {
  readonly bytes: Uint8Array;

  /** @param bytes From here on this object's, which wipes it. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  wipe(): void {
    this.bytes.fill(0);
  }
}

/** More noise keys than a keystore can hold are a mistake. */
const MAX_TRIED_KEYS = 32;

/** Looks up the noise keys that a message is tried with. */
export function noiseKeysOf(ring: Keyring, refs: readonly KeyRef[]): DhKey[] {
  if (!Array.isArray(refs) || refs.length < 1 || refs.length > MAX_TRIED_KEYS) {
    throw new CryptoError("bad_argument", `Expected 1 to ${MAX_TRIED_KEYS} noise keys`);
  }
  return (refs as KeyRef[]).map((ref) => ring.get(ref, NoiseKey).key);
}
