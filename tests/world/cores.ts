/**
 * Crypto cores of tests, and what sealing keys costs there.
 *
 * @module
 */
import { LocalCryptoCore, type LocalCryptoCoreOptions } from "../../crypto/core.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import { SeededRandom } from "./seeded_random.ts";

/** Argon2id as cheap as it gets. */
export const CHEAP_COST = { memoryKiB: 8, passes: 1 } as const;

/** A core in this thread that can do the same again: its chance comes from a seed. */
export function createSeededCore(
  seed: string,
  options: Pick<LocalCryptoCoreOptions, "stretch"> = {},
): Promise<LocalCryptoCore> {
  const random = new SeededRandom(seed);
  return LocalCryptoCore.create({ ...options, random: (length) => random.bytes(length) });
}

/** A core that tells of each call before it makes it. */
export function watchCore(
  core: CryptoCore,
  called: (name: keyof CryptoCore, argument: unknown) => void,
): CryptoCore {
  return new Proxy(core, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        called(key as keyof CryptoCore, args[0]);
        return Reflect.apply(member, target, args);
      };
    },
  });
}
