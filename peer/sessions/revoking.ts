/**
 * Revoking: ends what two nodes have, at both, because the owner of one says so (docs/PROTOCOL.md, "Life").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Carrier } from "./carrier.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { ValidationCache } from "../tokens/validation_cache.ts";
import type { PairEntry } from "../tokens/pair_entry.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { PeerLinks } from "./links.ts";
import type { Session, SessionTable } from "./session.ts";

export interface RevokingParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly vault: TokenVault;
  readonly book: PeerBook;
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
   * the peer, then in memory. They end even where the disk takes nothing.
   * @throws {OpenRedError} `overloaded` if it is not on disk, in the vault or in the audit log.
   */
  async revoke(peer: NodeId): Promise<{ sessions: number; tokens: number }> {
    const { links, vault, table, events } = this.#parts;
    links.cancel(peer);
    const storing = Promise.all([
      this.#spoil(vault.forPeer(peer), table.forPeer(peer)),
      this.#remember(peer),
    ]);
    const [{ status }] = await Promise.allSettled([storing]);
    const noted = events.audit("revoked", { peer, success: status === "fulfilled" });
    const sessions = [...table.forPeer(peer)];
    await Promise.all(sessions.map((session) => this.#tell(session)));
    await this.#end(sessions, "revoked here");
    const [tokens] = await storing;
    await noted;
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
    const storing = Promise.all([
      this.#spoil(pairs, ended),
      kept.size === 0 ? this.#remember(peer) : null,
    ]);
    await Promise.allSettled([storing]);
    await this.#end(ended, "the peer revoked");
    await storing;
    events.auditPeer("revoked", { peer, success: true, why: "the peer revoked" });
  }

  /** Has the peer not be called until somebody here asks for it. */
  #remember(peer: NodeId): Promise<void> {
    return this.#parts.book.setRevoked(peer, this.#parts.clock.nowMs());
  }

  /**
   * Leaves of usable pairs, and of those of the sessions, their ids, so that nothing takes them again, and that they
   * were revoked.
   * @returns How many could have been used.
   */
  async #spoil(pairs: readonly PairEntry[], sessions: readonly Session[]): Promise<number> {
    const { clock, vault, validations } = this.#parts;
    const revokedAt = clock.nowMs();
    const usable = pairs.filter(({ half }) => half !== null);
    const inUse = new Set(sessions.map(({ pair }) => pair.pairId));
    const noted = pairs.filter(({ half, pairId }) => half !== null || inUse.has(pairId));
    for (const { pairId } of pairs) validations.forget(pairId);
    await vault.commit({ put: noted.map((pair) => ({ ...pair, half: null, revokedAt })) });
    return usable.length;
  }

  /** Both ways a frame can take: a channel may be half open, and nothing can be repeated once the keys are gone. */
  async #tell(session: Session): Promise<void> {
    if (!session.confirmed || !session.sends) return;
    const { carrier } = this.#parts;
    const frame = await session.sealUnlessGone({ type: "core.close", revoked: true });
    if (frame === null) return;
    if (carrier.hasChannel(session.peer)) carrier.send(session.peer, frame.slice());
    carrier.send(session.peer, frame, { post: true });
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

/** Tells whether no session of a pair is wanted any more, whatever has been answered on it before. */
export function isCutOff(
  parts: { readonly vault: TokenVault; readonly permissions: Permissions },
  { pairId, peer }: PairEntry,
): boolean {
  return parts.vault.get(pairId)?.revokedAt !== undefined || parts.permissions.isBlocked(peer);
}
