/**
 * Leases: how an entry ages (docs/PROTOCOL.md, "Leases").
 *
 * @module
 */
import type { LeaseStatus } from "../protocol/directory_api.ts";
import type { DirectoryEntry, ListQuery, NodeCounts } from "./stores/store.ts";

const DAY_MS = 24 * 3600 * 1000;

/** How long after its lease a node is `stale`. */
export const STALE_MS = 30 * DAY_MS;

/** How long after its lease a node may be forgotten. Until it is, it is `dormant`. */
export const DORMANT_MS = 180 * DAY_MS;

/** How often a node may look whether it is still known here, and how many look-ups a second that may make. */
const LOOK_MIN_MS = 60_000;
const LOOKS_A_SECOND = 500;

/** How many announcements a second all nodes may make together, and how far apart one's may come to be by that. */
const ANNOUNCES_A_SECOND = 300;
const MAX_REANNOUNCE_MS = DAY_MS / 2;

const RETRY_MIN_MS = 1_000;

/** What nodes are told, in milliseconds. */
export interface Spans {
  readonly leaseMs: number;
  readonly reannounceAfterMs: number;
  /** When to look whether they are still known. */
  readonly lookAfterMs: number;
  /** Within which span to come back to a directory that was away. */
  readonly retryWithinMs: number;
}

/**
 * The spans by which all nodes together stay below what a directory is to bear; the more there are, the longer.
 * Those whose leases have just ended count: after an outage it is all of them.
 * @param leaseMs What the operator set: a lease is no shorter.
 */
export function spansFor(
  { active, stale }: Pick<NodeCounts, "active" | "stale">,
  leaseMs: number,
): Spans {
  const nodes = active + stale;
  const spreadMs = Math.min(Math.ceil(nodes * 1000 / ANNOUNCES_A_SECOND), MAX_REANNOUNCE_MS);
  const reannounceAfterMs = Math.max(Math.ceil(leaseMs / 2), spreadMs);
  const lookMs = Math.max(LOOK_MIN_MS, Math.ceil(nodes * 1000 / LOOKS_A_SECOND));
  return {
    leaseMs: Math.max(leaseMs, 2 * spreadMs),
    reannounceAfterMs,
    lookAfterMs: Math.min(lookMs, reannounceAfterMs),
    retryWithinMs: Math.min(Math.max(RETRY_MIN_MS, spreadMs), reannounceAfterMs),
  };
}

/** What an entry is now. */
export function statusAt(
  entry: Pick<DirectoryEntry, "gone" | "leaseEndAt">,
  nowMs: number,
): LeaseStatus {
  if (entry.gone) return "gone";
  if (nowMs <= entry.leaseEndAt) return "active";
  return nowMs <= entry.leaseEndAt + STALE_MS ? "stale" : "dormant";
}

/** The ends of leases that have a status now, or `null` for one that no list shows. */
export function leaseRange(
  status: LeaseStatus,
  nowMs: number,
): Pick<ListQuery, "leaseEndsAfter" | "leaseEndsBy"> | null {
  switch (status) {
    case "active":
      return { leaseEndsAfter: nowMs - 1, leaseEndsBy: Number.MAX_SAFE_INTEGER };
    case "stale":
      return { leaseEndsAfter: nowMs - STALE_MS - 1, leaseEndsBy: nowMs - 1 };
    case "dormant":
      return { leaseEndsAfter: Number.MIN_SAFE_INTEGER, leaseEndsBy: nowMs - STALE_MS - 1 };
    case "gone":
      return null;
  }
}
