/**
 * Forgetting what is old, a bounded number of rows at a time.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { moveCount } from "./sqlite_counts.ts";
import { forgetNode } from "./sqlite_lists.ts";
import type { Statements } from "./statements.ts";
import type { SweepOptions } from "./store.ts";

/** Nodes that one step of a sweep changes, each at random places of several indexes. */
const NODES_A_STEP = 100;

/** Proofs that one step of a sweep forgets. */
const PROOFS_A_STEP = 1_000;

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

function forgetNodes(sql: Statements, before: number): NodeId[] {
  const ids = idsOf(
    sql.prepare("SELECT id FROM nodes WHERE lease_end_at < ? ORDER BY lease_end_at LIMIT ?")
      .all(before, NODES_A_STEP),
  );
  for (const id of ids) forgetNode(sql, id);
  return ids;
}

/** Cuts leases that were given while the clock was ahead. */
function cutLeases(sql: Statements, { nowMs, latestLeaseEnd }: SweepOptions): NodeId[] {
  if (latestLeaseEnd === null) return [];
  const ids = idsOf(
    sql.prepare("SELECT id FROM nodes WHERE lease_end_at > ? LIMIT ?")
      .all(latestLeaseEnd, NODES_A_STEP),
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
  const forgotten = leasesBefore === null ? [] : forgetNodes(sql, leasesBefore);
  const changed = cutLeases(sql, options);
  const isCounted = moveCount(sql, { name: "active", endsAfter: countsAt.activeAfter }) &&
    moveCount(sql, { name: "recent", endsAfter: countsAt.recentAfter });
  const isDone = isCounted && proofs.proofs < PROOFS_A_STEP &&
    Math.max(forgotten.length, changed.length) < NODES_A_STEP;
  return { ...proofs, forgotten, changed, isDone };
}
