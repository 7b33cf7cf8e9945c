/**
 * What both sides of a handshake can compute once both messages are read: the session's keys, and the standby halves.
 *
 * @module
 * @see docs/PROTOCOL.md, "Key schedule"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import type { Half } from "../pairs/half.ts";
import type { SplitKeys } from "../primitives/noise.ts";
import type { NextPairs, Suite } from "../interface.ts";
import { derivePrk, deriveSessionKeys, type SessionKeys } from "./key_schedule.ts";
import { deriveStandbyHalves } from "./standby_halves.ts";

/** The keys of a session to be, and the pairs it leaves behind. */
export interface SessionMaterial {
  readonly keys: SessionKeys;
  readonly standby: readonly Half[];
}

/** What goes in; 32 bytes each, wiped. */
export interface HandshakeSecrets {
  readonly split: SplitKeys;
  readonly root: Uint8Array;
  readonly kem: Uint8Array;
}

export function wipeMaterial(material: SessionMaterial | null): void {
  if (material === null) return;
  wipe(material.keys.chainAToB, material.keys.chainBToA);
  for (const half of material.standby) half.wipe();
}

/**
 * Derives it for the side that `half` belongs to.
 * @throws {CryptoError} `method_unknown`, `method_failed` where the next pairs are of a module's method.
 */
export async function deriveMaterial(
  parts: CoreParts,
  options: { suite: Suite; half: Half; next: NextPairs; secrets: HandshakeSecrets },
): Promise<SessionMaterial> {
  const { suite, half, next, secrets: { split, root, kem } } = options;
  const { idA, idB, role } = half.info;
  const prk = derivePrk(parts.hashes, { ...split, root, kem });
  wipe(split.k1, split.k2, root, kem);
  try {
    const standby = await deriveStandbyHalves(parts, {
      prk,
      next,
      initiatorId: idA,
      responderId: idB,
      ownId: role === "initiator" ? idA : idB,
    });
    return { keys: deriveSessionKeys(parts.hashes, prk, { ...half.info, suite }), standby };
  } finally {
    wipe(prk);
  }
}
