/**
 * The storage roots of a node: what the keys of its modules are derived from.
 *
 * @module
 * @see docs/PROTOCOL.md, "Keys of modules"
 */
import { wipe } from "../primitives/bytes.ts";
import type { RandomBytes } from "../keyring/core_parts.ts";
import type { Held } from "../keyring/keyring.ts";
import { MAX_STORAGE_ROOTS, type StorageRoot } from "./keystore.ts";

const ROOT_BYTES = 32;

/** A node's roots, newest first. */
export class StorageRoots implements Held {
  readonly roots: readonly StorageRoot[];

  /** @param roots Copied. */
  constructor(roots: readonly StorageRoot[]) {
    this.roots = copyRoots(roots);
  }

  wipe(): void {
    wipeRoots(this.roots);
  }
}

export function copyRoots(roots: readonly StorageRoot[]): StorageRoot[] {
  return roots.map(({ number, bytes }) => ({ number, bytes: bytes.slice() }));
}

export function wipeRoots(roots: readonly StorageRoot[]): void {
  wipe(...roots.map(({ bytes }) => bytes));
}

/** The roots with a fresh one in front, each a copy; the seventeenth is forgotten. */
export function withFreshRoot(random: RandomBytes, former: readonly StorageRoot[]): StorageRoot[] {
  const fresh = { number: (former[0]?.number ?? 0) + 1, bytes: random(ROOT_BYTES) };
  return [fresh, ...copyRoots(former.slice(0, MAX_STORAGE_ROOTS - 1))];
}
