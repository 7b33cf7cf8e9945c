/**
 * What the node's owner can see of tokens, and do with them.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { SessionView } from "../../protocol/admin_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { RevokedView, TokenState, TokensView, TokenView } from "../../protocol/token_api.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Petnames } from "../peers/petnames.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { PairEntry } from "../tokens/pair_entry.ts";
import type { TokenVault } from "../tokens/vault.ts";

interface TokenDeskParts {
  readonly clock: Clock;
  readonly book: PeerBook;
  readonly petnames: Petnames;
  readonly vault: TokenVault;
  readonly table: SessionTable;
  readonly sessions: Sessions;
}

const HOUR_MS = 3_600_000;

/** Tokens as their owner sees them. */
export class TokenDesk {
  readonly #parts: TokenDeskParts;
  readonly #resolve: (who: string) => NodeId;

  /** @param resolve Whom an id, a petname or a contact link means. */
  constructor(parts: TokenDeskParts, resolve: (who: string) => NodeId) {
    this.#parts = parts;
    this.#resolve = resolve;
  }

  /** @throws {OpenRedError} `not_found` for a peer that nobody here knows by that name. */
  list(
    query: { readonly peer?: string | undefined; readonly pair?: string | undefined },
  ): TokensView {
    const { vault } = this.#parts;
    const pair = query.pair === undefined ? null : vault.get(query.pair);
    const entries = query.pair !== undefined
      ? pair === null ? [] : [pair]
      : query.peer === undefined
      ? vault.all()
      : vault.forPeer(this.#resolve(query.peer));
    const tokens = entries.toSorted(byPeerThenNewest).map((entry) => this.#view(entry));
    return { tokens };
  }

  /** Whether the tokens of a peer were revoked, so that renewing takes that back. @throws {OpenRedError} `not_found`. */
  isRevoked(who: string): boolean {
    return this.#parts.book.isRevoked(this.#resolve(who));
  }

  /**
   * Makes a session that is newer than all there are, from a standby pair first, by a directory second.
   * @param signal Fires when whoever asked has gone.
   * @throws {OpenRedError} `not_found` for a peer that was never met, `unreachable` if none was confirmed within
   *   `waitMs`, or what the last call failed with.
   */
  async renew(who: string, waitMs: number, signal: AbortSignal): Promise<SessionView> {
    const { sessions, table, book } = this.#parts;
    const peer = this.#resolve(who);
    if (book.get(peer) === null) {
      throw new OpenRedError("not_found", "This node has not met that peer");
    }
    await book.setRevoked(peer, null);
    const after = table.lastSequence;
    sessions.links.want(peer, { fresh: true });
    const session = await sessions.links.wait(peer, { waitMs, after, signal });
    if (session !== null) return sessions.view(session);
    throw new OpenRedError("unreachable", "There is no new session yet; the node goes on trying");
  }

  /**
   * Ends all sessions with a peer, and revokes its tokens, durably; the peer is told.
   * @param target A pair's id or a peer.
   * @throws {OpenRedError} `not_found` for a pair that is not held, and a peer that was never met.
   */
  async revoke(target: string): Promise<RevokedView> {
    const { vault, book, sessions } = this.#parts;
    const peer = vault.get(target)?.peer ?? this.#resolveTarget(target);
    if (book.get(peer) === null && vault.forPeer(peer).length === 0) {
      throw new OpenRedError("not_found", "This node has not met that peer");
    }
    return { peer, ...await sessions.revoking.revoke(peer) };
  }

  #resolveTarget(target: string): NodeId {
    try {
      return this.#resolve(target);
    } catch (cause) {
      if (!hasCode(cause, "not_found")) throw cause;
      throw new OpenRedError("not_found", "There is no token pair and no peer of this name here", {
        cause,
      });
    }
  }

  #view(entry: PairEntry): TokenView {
    const { info } = entry;
    return {
      pair_id: entry.pairId,
      peer: entry.peer,
      petname: this.#parts.petnames.of(entry.peer),
      issuer: info.issuer,
      role: info.role,
      method: info.method,
      epoch: Math.floor(info.issuedAt / HOUR_MS),
      state: this.#state(entry),
      issued_at: info.issuedAt,
      ends_at: entry.endsAt,
      ends_in_ms: entry.endsAt - this.#parts.clock.nowMs(),
      handshakes: entry.taken.length,
      session_id: entry.session,
      made_by: entry.standby?.sessionId ?? null,
    };
  }

  #state(entry: PairEntry): TokenState {
    if (entry.revokedAt !== undefined) return "revoked";
    if (entry.half === null) return "spent";
    if (entry.endsAt <= this.#parts.clock.nowMs()) return "ended";
    if (entry.standby !== null && entry.standby.confirmedAt === null) return "unconfirmed";
    return entry.taken.length > 0 ? "taken" : "unused";
  }
}

function byPeerThenNewest(a: PairEntry, b: PairEntry): number {
  if (a.peer !== b.peer) return a.peer < b.peer ? -1 : 1;
  return b.info.issuedAt - a.info.issuedAt || a.index - b.index;
}
