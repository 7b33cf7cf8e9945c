/**
 * What both sides of a session's handshake have to agree on before its first message opens.
 *
 * @module
 * @see docs/PROTOCOL.md, "Handshake"
 */
import { enc } from "../encoding.ts";
import type { Half } from "../pairs/half.ts";
import type { Suite } from "../interface.ts";

/** The Noise prologue of a session that is to be made with this pair. */
export function sessionPrologue(suite: Suite, half: Half): Uint8Array {
  const { issuer, pairId, idA, idB } = half.info;
  return enc("openred/v3/session", suite, issuer, pairId, idA, idB);
}
