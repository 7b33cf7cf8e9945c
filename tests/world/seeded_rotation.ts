/** Rotations that pick what a test wants. */
import { CRYPTO_METHODS, type RotationPolicy } from "../../crypto/interface.ts";
import { selectCryptoMethod } from "../../crypto/pairs/rotation.ts";
import { Hashes } from "../../crypto/primitives/hashes.ts";

const HOUR_MS = 3_600_000;

/** A rotation that picks a module's method in this hour and the next, wherever both nodes list it as their only one. */
export async function rotationTo(name: string): Promise<RotationPolicy> {
  const hashes = await Hashes.create();
  const now = Date.now();
  const methods = [...CRYPTO_METHODS, name];
  for (let byte = 0;; byte++) {
    const policy: RotationPolicy = { kind: "seeded", seed: new Uint8Array(16).fill(byte) };
    const picked = [now, now + HOUR_MS].map((timestampMs) =>
      selectCryptoMethod(hashes, { timestampMs, policy, methods })
    );
    if (picked.every((method) => method === name)) return policy;
  }
}
