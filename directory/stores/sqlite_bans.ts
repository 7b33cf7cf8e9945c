/**
 * What a directory's operator does with the nodes in SQLite.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { deleteNode } from "./sqlite_lists.ts";
import { banOfRow, entryOfRow } from "./sqlite_schema.ts";
import type { Statements } from "./statements.ts";
import type { AllNodesQuery, DirectoryEntry, StoredBan } from "./store.ts";

/** Reads one page of all nodes. */
export function readAll(
  sql: Statements,
  { after, limit, gone }: AllNodesQuery,
): readonly DirectoryEntry[] {
  const { leaseEndAt, id } = after ?? { leaseEndAt: Number.MAX_SAFE_INTEGER, id: "" };
  return sql.prepare(`
    SELECT * FROM nodes WHERE gone = ? AND lease_end_at <= ? AND (lease_end_at < ? OR id < ?)
    ORDER BY lease_end_at DESC, id DESC LIMIT ?`)
    .all(Number(gone), leaseEndAt, leaseEndAt, id, limit).map(entryOfRow);
}

/** Reads one page of bans. */
export function readBans(
  sql: Statements,
  { after, limit }: { readonly after: string; readonly limit: number },
): readonly StoredBan[] {
  return sql.prepare("SELECT * FROM bans WHERE id > ? ORDER BY id LIMIT ?")
    .all(after, limit).map(banOfRow);
}

export function readBan(sql: Statements, id: NodeId): StoredBan | null {
  const row = sql.get("SELECT * FROM bans WHERE id = ?", id);
  return row === undefined ? null : banOfRow(row);
}

/** A ban that is repeated says why anew. */
export function storeBan(sql: Statements, { id, bannedAt, note }: StoredBan): void {
  sql.run(
    `INSERT INTO bans (id, banned_at, note) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET note = excluded.note`,
    id,
    bannedAt,
    note,
  );
  deleteNode(sql, id);
}
