/**
 * Standby pairs: the sets that handshakes leave in the vault (docs/PROTOCOL.md, "Renewal without the directory").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { StoredHalf } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { MAX_STANDBY_SETS_PER_PEER, STANDBY_LIFE_MS } from "../../protocol/limits.ts";
import { madeAt, newEntry, type PairEntry } from "../tokens/pair_entry.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { Session } from "./session.ts";

/** Spent standby pairs of one peer whose ids are remembered: nothing is taken on one that is not. */
const MAX_SPENT_PAIRS_PER_PEER = 32;

/** The vault entries of the pairs a handshake made. Their 30 days count from now. */
export function standbyEntries(
  halves: readonly StoredHalf[],
  session: Session,
  nowMs: number,
): PairEntry[] {
  return halves.map((stored, index) => ({
    ...newEntry(stored, session.peer),
    endsAt: nowMs + STANDBY_LIFE_MS,
    index,
    standby: { sessionId: session.id, role: session.role, confirmedAt: null },
  }));
}

/** The unspent pairs that the handshake of a session left. */
export function setOf(vault: TokenVault, session: Pick<Session, "peer" | "id">): PairEntry[] {
  return unspent(vault.forPeer(session.peer))
    .filter((entry) => entry.standby?.sessionId === session.id);
}

/**
 * The set of a session with its instants as the wall clock should have had them. A session counts spans on the
 * monotonic clock, whatever the wall clock said when the set was stored and confirmed.
 */
export function redatedSet(
  parts: { readonly vault: TokenVault; readonly clock: Clock },
  session: Session,
): PairEntry[] {
  const nowMs = parts.clock.nowMs();
  const monotonicMs = parts.clock.monotonicMs();
  const wallMs = (atMs: number) => Math.round(nowMs - (monotonicMs - atMs));
  const endsAt = wallMs(session.madeMs) + STANDBY_LIFE_MS;
  const confirmedAt = wallMs(session.confirmedMs ?? monotonicMs);
  return setOf(parts.vault, session).map((entry) => ({
    ...entry,
    endsAt,
    standby: entry.standby && {
      ...entry.standby,
      confirmedAt: entry.standby.confirmedAt === null ? null : confirmedAt,
    },
  }));
}

/** Unspent standby pairs. */
export function unspent(entries: readonly PairEntry[]): PairEntry[] {
  return entries.filter((entry) => entry.standby !== null && entry.half !== null);
}

/**
 * Whether this node could start from another pair of a session that was confirmed: should what a handshake leaves be lost
 * in a crash before it is confirmed too, the two need no directory to meet again.
 */
export function hasProvenPair(
  vault: TokenVault,
  { besides }: { readonly besides: PairEntry },
): boolean {
  return vault.startable(besides.peer).some(({ pairId, standby }) =>
    pairId !== besides.pairId && standby !== null && standby.confirmedAt !== null
  );
}

/** The last chance to renew standby pairs, and over how long before it peers are spread. */
const LAST_RENEWAL_MS = 24 * 3_600_000;
const RENEWAL_SPREAD_MS = 48 * 3_600_000;

/**
 * Tells whether all standby pairs with a peer near their end. Their own ids, which are random, say when exactly, so
 * that those of a thousand peers made at one time are not renewed at one time.
 */
export function isRenewalDue(
  vault: TokenVault,
  options: { readonly peer: NodeId; readonly nowMs: number },
): boolean {
  const [last] = unspent(vault.forPeer(options.peer)).sort((a, b) =>
    b.endsAt - a.endsAt || (a.pairId < b.pairId ? -1 : 1)
  );
  if (last === undefined || last.endsAt <= options.nowMs) return false;
  const part = Number.parseInt(last.pairId.slice(0, 6), 16) / 2 ** 24;
  return options.nowMs >= last.endsAt - LAST_RENEWAL_MS - part * RENEWAL_SPREAD_MS;
}

/**
 * The pairs that have to go so that at most eight sets with a peer are left, that of `session` included: those of the
 * oldest. The newest set whose session was confirmed stays in any case: a peer, or whoever lets its answers through and
 * no frame, makes any number of newer ones that may be worth nothing.
 */
export function tooManySets(vault: TokenVault, session: Pick<Session, "peer" | "id">): string[] {
  const others = unspent(vault.forPeer(session.peer))
    .sort((a, b) => madeAt(b) - madeAt(a))
    .flatMap(({ pairId, standby }) => standby === null ? [] : [{ pairId, ...standby }]);
  const kept = new Set([session.id]);
  const proven = others.find(({ confirmedAt }) => confirmedAt !== null);
  if (proven !== undefined) kept.add(proven.sessionId);
  for (const { sessionId } of others) {
    if (kept.size < MAX_STANDBY_SETS_PER_PEER) kept.add(sessionId);
  }
  return others.filter(({ sessionId }) => !kept.has(sessionId)).map(({ pairId }) => pairId);
}

/**
 * The spent standby pairs of a peer beyond those that are remembered, which are the newest: a peer that makes one
 * session after the other leaves no more. One that was revoked stays, so that its owner sees it.
 */
export function tooManySpent(vault: TokenVault, peer: NodeId): string[] {
  return vault.forPeer(peer)
    .filter(({ half, standby, revokedAt }) =>
      half === null && standby !== null && revokedAt === undefined
    )
    .sort((a, b) => b.info.issuedAt - a.info.issuedAt)
    .slice(MAX_SPENT_PAIRS_PER_PEER - 1)
    .map(({ pairId }) => pairId);
}
