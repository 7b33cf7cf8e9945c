/**
 * Revoking: ends what two nodes have, at both, because the owner of one says so (docs/PROTOCOL.md, "Life").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events.ts";
import type { Carrier } from "../p2p/carrier.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";
import type { PairEntry, TokenVault } from "../tokens/vault.ts";
import type { PeerLinks } from "./links.ts";
import type { Session, SessionTable } from "./session.ts";

export interface RevokingParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly validations: ValidationCache;
  readonly carrier: Carrier;
  readonly links: Pick<PeerLinks, "cancel">;
  /** Ends sending on a session, for a reason shown to people. */
  readonly close: (session: Session, why: string) => void;
}

/** Revokes pairs and sessions, here and at the peer's word. */
export class Revoking {
  readonly #parts: RevokingParts;

  constructor(parts: RevokingParts) {
    this.#parts = parts;
  }

  /**
   * Revokes every pair and ends every session with a peer: on disk first, so that no crash brings a pair back, then at
   * the peer, then in memory.
   */
  async revoke(peer: NodeId): Promise<{ sessions: number; tokens: number }> {
    const { links, vault, table, events } = this.#parts;
    links.cancel(peer);
    const tokens = await this.#spoil(vault.forPeer(peer), table.forPeer(peer));
    await events.audit("revoked", { peer, success: true });
    const sessions = [...table.forPeer(peer)];
    await Promise.all(sessions.map((session) => this.#tell(session)));
    await this.#end(sessions, "revoked here");
    return { sessions: sessions.length, tokens };
  }

  /**
   * Does as the peer did, which says so on a session. What was made on a later, confirmed one stays: the two have met
   * again since, and this word was late.
   */
  async obey(told: Session): Promise<void> {
    const { links, vault, table, events } = this.#parts;
    const { peer } = told;
    const kept = new Set(
      table.forPeer(peer).filter((session) => session.confirmed && session.sequence > told.sequence)
        .map(({ id }) => id),
    );
    const ended = table.forPeer(peer).filter(({ id }) => !kept.has(id));
    const pairs = vault.forPeer(peer).filter(({ standby, session }) =>
      kept.size === 0 || standby !== null && !kept.has(standby.sessionId) &&
        (session === null || !kept.has(session))
    );
    if (kept.size === 0) links.cancel(peer);
    await this.#spoil(pairs, ended);
    events.audit("revoked", { peer, success: true, why: "the peer revoked" });
    await this.#end(ended, "the peer revoked");
  }

  /**
   * Leaves of usable pairs their ids, so that nothing takes them again, and that they were revoked, so that the peer is
   * not called until somebody asks for that. Where there is none, the pair of a session says it.
   * @returns How many could have been used.
   */
  async #spoil(pairs: readonly PairEntry[], sessions: readonly Session[]): Promise<number> {
    const { clock, vault, validations } = this.#parts;
    const revokedAt = clock.nowMs();
    const usable = pairs.filter(({ half }) => half !== null);
    const noted = usable.length > 0 ? usable : sessions.slice(0, 1).map(({ pair }) => pair);
    await vault.commit({ put: noted.map((pair) => ({ ...pair, half: null, revokedAt })) });
    for (const { pairId } of [...pairs, ...noted]) validations.forget(pairId);
    return usable.length;
  }

  /** Both ways a frame can take: a channel may be half open, and nothing can be repeated once the keys are gone. */
  async #tell(session: Session): Promise<void> {
    if (!session.confirmed || !session.sends) return;
    const { carrier } = this.#parts;
    try {
      const frame = await session.seal({ type: "core.close", revoked: true });
      if (carrier.hasChannel(session.peer)) carrier.send(session.peer, frame.slice());
      carrier.send(session.peer, frame, { post: true });
    } catch (error) {
      if (!(error instanceof CryptoError) || error.code !== "key_unknown") throw error;
    }
  }

  async #end(sessions: readonly Session[], why: string): Promise<void> {
    const { close, table } = this.#parts;
    for (const session of sessions) {
      close(session, why);
      table.remove(session);
    }
    await Promise.all(sessions.map((session) => session.release()));
  }
}

/** Tells whether a peer's pairs were revoked, and nothing was made with it since. */
export function isRevoked(vault: TokenVault, peer: NodeId): boolean {
  const pairs = vault.forPeer(peer);
  return pairs.some(({ revokedAt }) => revokedAt !== undefined) &&
    pairs.every(({ half }) => half === null);
}
