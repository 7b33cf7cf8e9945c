/**
 * What a handshake leaves in the core: the session, and the standby halves.
 *
 * @module
 * @see docs/PROTOCOL.md, "Key schedule"
 */
import type { CoreParts } from "../keyring/core_parts.ts";
import type { Half } from "../pairs/half.ts";
import type { EstablishedSession } from "../interface.ts";
import { SessionCipher } from "../session/session_cipher.ts";
import type { SessionMaterial } from "./session_material.ts";

/** Makes the session of a pair; the material is its own from here on. */
export function establishSession(
  parts: CoreParts,
  options: { half: Half; material: SessionMaterial; nowMs: number },
): EstablishedSession {
  const { half, nowMs, material: { keys, standby } } = options;
  const isInitiator = half.info.role === "initiator";
  const session = new SessionCipher(parts, {
    sessionId: keys.sessionId,
    method: half.info.method,
    sendChain: isInitiator ? keys.chainAToB : keys.chainBToA,
    receiveChain: isInitiator ? keys.chainBToA : keys.chainAToB,
    nowMs,
  });
  return {
    session: parts.ring.add(session),
    sessionId: keys.sessionId,
    binding: keys.binding,
    standby: standby.map((made) => ({ half: parts.ring.add(made), info: made.describe() })),
  };
}
