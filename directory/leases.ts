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

/** After which span nodes are to look whether they are still known; the more there are, the longer. */
export function lookAfter({ active }: Pick<NodeCounts, "active">): number {
  return Math.max(LOOK_MIN_MS, Math.ceil(active * 1000 / LOOKS_A_SECOND));
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
