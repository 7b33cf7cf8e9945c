/**
 * What a handshake leaves behind: the session, and the standby halves.
 *
 * @module
 * @see docs/PROTOCOL.md, "Key schedule"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import type { Half } from "../pairs/half.ts";
import type { Outcome } from "./handshake_state.ts";
import type { EstablishedSession, Suite } from "../interface.ts";
import { derivePrk, deriveSessionKeys, deriveStandbyHalves } from "./key_schedule.ts";
import { Session } from "../session/session.ts";

/** Derives everything a handshake leaves behind. */
export function establishSession(
  parts: CoreParts,
  options: { suite: Suite; half: Half; outcome: Outcome; nowMs: number },
): EstablishedSession {
  const { suite, half, outcome, nowMs } = options;
  const { idA, idB, role, method } = half.info;
  const prk = derivePrk(parts.hashes, { ...outcome.split, ...outcome });
  const keys = deriveSessionKeys(parts.hashes, prk, { ...half.info, suite });
  const isInitiator = role === "initiator";
  const halves = deriveStandbyHalves(parts.hashes, {
    prk,
    next: outcome.next,
    initiatorId: idA,
    responderId: idB,
    ownId: isInitiator ? idA : idB,
  });
  wipe(prk);
  const session = new Session(parts, {
    sessionId: keys.sessionId,
    method,
    sendChain: isInitiator ? keys.chainAToB : keys.chainBToA,
    receiveChain: isInitiator ? keys.chainBToA : keys.chainAToB,
    nowMs,
  });
  return {
    session: parts.ring.add(session),
    sessionId: keys.sessionId,
    binding: keys.binding,
    standby: halves.map((standby) => ({
      half: parts.ring.add(standby),
      info: standby.describe(),
    })),
  };
}
