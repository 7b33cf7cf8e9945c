/**
 * A session as its owner sees it.
 *
 * @module
 */
import type { SessionView } from "../../protocol/admin_api.ts";
import type { Carrier } from "./carrier.ts";
import type { Session } from "./session.ts";

const EPOCH_MS = 3_600_000;

/** What the admin API shows of a session. */
export function sessionView(session: Session, carrier: Carrier): SessionView {
  const { info } = session.pair;
  return {
    session_id: session.id,
    peer: session.peer,
    role: session.role,
    state: session.closed ? "closed" : session.confirmed ? "confirmed" : "unconfirmed",
    suite: session.suite,
    post_quantum: session.suite === "ik-x25519-mlkem768",
    method: info.method,
    epoch: Math.floor(info.issuedAt / EPOCH_MS),
    issuer: info.issuer,
    send_step: session.step,
    carrier: carrier.hasChannel(session.peer) ? "channel" : "post",
    age_ms: Math.round(session.ageMs),
    life_ms: session.lifeMs,
    rtt_ms: session.rttMs,
  };
}
