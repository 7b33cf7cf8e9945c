/**
 * Revoking: ends what this node and a peer have, because the owner of this node says so (docs/PROTOCOL.md,
 * "Revoking").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events.ts";
import type { Carrier } from "../p2p/carrier.ts";
import type { PairEntry, TokenVault } from "../tokens/vault.ts";
import type { Session, SessionTable } from "./session.ts";

export interface RevokingParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly carrier: Carrier;
}

/**
 * Revokes every pair and ends every session with a peer.
 *
 * On disk first, so that no crash brings a pair back. Then the peer is told on the session that counts: a `core.sync`
 * without pairs has it drop those it holds, and `core.close` ends the session. Pairs younger than that question covers
 * stay with it and are refused here. What is left of the sessions here is wiped at once.
 */
export async function revokePeer(
  parts: RevokingParts,
  options: {
    readonly peer: NodeId;
    /** Says on a session that this node holds no pairs. */
    readonly disown: (session: Session) => Promise<void>;
    /** Ends sending on a session, for a reason shown to people. */
    readonly close: (session: Session, why: string) => void;
  },
): Promise<{ sessions: number; tokens: number }> {
  const { vault, table, carrier, events } = parts;
  const { peer, disown, close } = options;
  const usable = vault.forPeer(peer).filter(({ half }) => half !== null);
  await vault.commit({ put: notes(parts, peer) });
  await events.audit("revoked", { peer, success: true });
  const current = table.current(peer);
  if (current !== null) {
    await disown(current);
    carrier.send(peer, await current.seal({ type: "core.close" }));
  }
  const ended = [...table.forPeer(peer)];
  for (const session of ended) {
    close(session, "revoked here");
    table.remove(session);
    await session.release();
  }
  return { sessions: ended.length, tokens: usable.length };
}

/**
 * What is left of the pairs: their ids, so that nothing takes them again, and that they were revoked, so that the peer
 * is not called until somebody here asks for that. Where there is no pair, that of a session says it.
 */
function notes({ clock, vault, table }: RevokingParts, peer: NodeId): PairEntry[] {
  const revokedAt = clock.nowMs();
  const usable = vault.forPeer(peer).filter(({ half }) => half !== null);
  const [session] = table.forPeer(peer);
  const pairs = usable.length > 0 || session === undefined ? usable : [session.pair];
  return pairs.map((pair) => ({ ...pair, half: null, revokedAt }));
}

/** Tells whether a peer's pairs were revoked, and nothing was made with it since. */
export function isRevoked(vault: TokenVault, peer: NodeId): boolean {
  const pairs = vault.forPeer(peer);
  return pairs.some(({ revokedAt }) => revokedAt !== undefined) &&
    pairs.every(({ half }) => half === null);
}
