/**
 * Forgetting what is old, a bounded number of rows at a time.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { moveCount } from "./sqlite_counts.ts";
import { forgetNode } from "./sqlite_lists.ts";
import type { Statements } from "./statements.ts";
import { type SweepOptions, SWEPT_A_STEP } from "./store.ts";

/** Proofs that one step forgets, each at a random place of one table and the oldest one of an index. */
const PROOFS_A_STEP = 200;

/** What one step did. */
export interface SweepStep {
  readonly forgotten: readonly NodeId[];
  readonly changed: readonly NodeId[];
  readonly proofs: number;
  /** The highest `iat` of the proofs, 0 if there were none. */
  readonly highestIatSec: number;
  readonly isDone: boolean;
}

function idsOf(rows: readonly Record<string, unknown>[]): NodeId[] {
  return rows.map(({ id }) => id as NodeId);
}

function forgetNodes(sql: Statements, before: number | null): NodeId[] {
  if (before === null) return [];
  const ids = idsOf(
    sql.prepare("SELECT id FROM nodes WHERE lease_end_at < ? ORDER BY lease_end_at LIMIT ?")
      .all(before, SWEPT_A_STEP),
  );
  for (const id of ids) forgetNode(sql, id);
  return ids;
}

/** Cuts leases that were given while the clock was ahead. @param max How many at most. */
function cutLeases(
  sql: Statements,
  { nowMs, latestLeaseEnd }: SweepOptions,
  max: number,
): NodeId[] {
  if (latestLeaseEnd === null) return [];
  const ids = idsOf(
    sql.prepare("SELECT id FROM nodes WHERE lease_end_at > ? LIMIT ?").all(latestLeaseEnd, max),
  );
  for (const id of ids) {
    sql.run(
      `UPDATE nodes SET lease_end_at = ?, last_seen_at = min(last_seen_at, ?),
      called_back_at = min(called_back_at, ?) WHERE id = ?`,
      latestLeaseEnd,
      nowMs,
      nowMs,
      id,
    );
  }
  return ids;
}

function forgetProofs(
  sql: Statements,
  before: number,
): { proofs: number; highestIatSec: number } {
  const rows = sql.prepare("SELECT jti, iat FROM proofs WHERE used_at < ? ORDER BY used_at LIMIT ?")
    .all(before, PROOFS_A_STEP);
  for (const { jti } of rows) sql.run("DELETE FROM proofs WHERE jti = ?", jti as string);
  const highestIatSec = rows.reduce((highest, { iat }) => Math.max(highest, iat as number), 0);
  return { proofs: rows.length, highestIatSec };
}

/** Does one step, inside a transaction. */
export function sweepStep(sql: Statements, options: SweepOptions): SweepStep {
  const { leasesBefore, proofsBefore, countsAt } = options;
  const proofs = forgetProofs(sql, proofsBefore);
  const forgotten = forgetNodes(sql, leasesBefore);
  const changed = cutLeases(sql, options, SWEPT_A_STEP - forgotten.length);
  const isCounted = moveCount(sql, { name: "active", endsAfter: countsAt.activeAfter }) &&
    moveCount(sql, { name: "recent", endsAfter: countsAt.recentAfter });
  const isDone = isCounted && proofs.proofs < PROOFS_A_STEP &&
    forgotten.length + changed.length < SWEPT_A_STEP;
  return { ...proofs, forgotten, changed, isDone };
}
