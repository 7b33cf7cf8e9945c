/**
 * Leases: how an entry ages (docs/PROTOCOL.md, "Leases").
 *
 * @module
 */
import type { LeaseStatus } from "../protocol/directory_api.ts";
import type { DirectoryEntry, ListQuery } from "./stores/store.ts";

const DAY_MS = 24 * 3600 * 1000;

/** How long after its lease a node is `stale`. */
export const STALE_MS = 30 * DAY_MS;

/** How long after its lease a node is `dormant`, and then forgotten. */
export const DORMANT_MS = 180 * DAY_MS;

/** What an entry is now, or `null` if it is to be forgotten. */
export function statusAt(
  entry: Pick<DirectoryEntry, "gone" | "leaseEndAt">,
  nowMs: number,
): LeaseStatus | null {
  if (nowMs > entry.leaseEndAt + DORMANT_MS) return null;
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
      return { leaseEndsAfter: nowMs - DORMANT_MS - 1, leaseEndsBy: nowMs - STALE_MS - 1 };
    case "gone":
      return null;
  }
}
