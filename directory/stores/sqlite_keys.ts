/**
 * The keys of a directory that takes invited nodes only, in SQLite.
 *
 * @module
 */
import type { KeyRefusal } from "../../protocol/directory_key.ts";
import { judgeKey } from "../key_judging.ts";
import type { Statements } from "./statements.ts";
import type { FoundKey, KeyUse, StoredKey } from "./store.ts";

const KEYS = `SELECT directory_keys.*,
  (SELECT count(*) FROM key_uses WHERE key_id = directory_keys.id) AS used FROM directory_keys`;

type Row = Readonly<Record<string, unknown>>;

function keyOfRow(row: Row): StoredKey {
  return {
    keyId: row["id"] as string,
    secret: new Uint8Array(row["secret"] as Uint8Array),
    madeAt: row["made_at"] as number,
    expiresAt: row["expires_at"] as number | null,
    revokedAt: row["revoked_at"] as number | null,
    uses: row["uses"] as number,
    used: row["used"] as number,
    note: row["note"] as string,
  };
}

export function insertKey(sql: Statements, key: Omit<StoredKey, "revokedAt" | "used">): void {
  sql.run(
    `INSERT INTO directory_keys (id, secret, made_at, expires_at, uses, note)
    VALUES (?, ?, ?, ?, ?, ?)`,
    key.keyId,
    key.secret,
    key.madeAt,
    key.expiresAt,
    key.uses,
    key.note,
  );
}

export function readKey(sql: Statements, keyId: string, user: string): FoundKey | null {
  const row = sql.get(`${KEYS} WHERE id = ?`, keyId);
  if (row === undefined) return null;
  const use = sql.get("SELECT 1 FROM key_uses WHERE key_id = ? AND node_id = ?", keyId, user);
  return { ...keyOfRow(row), isUser: use !== undefined };
}

/** Reads one page. */
export function readKeys(
  sql: Statements,
  { after, limit }: { readonly after: string; readonly limit: number },
): readonly StoredKey[] {
  return sql.prepare(`${KEYS} WHERE id > ? ORDER BY id LIMIT ?`).all(after, limit).map(keyOfRow);
}

/** @returns `null` where the id is counted now, or was before. */
export function countUse(sql: Statements, { keyId, id, nowMs }: KeyUse): KeyRefusal | null {
  const refusal = judgeKey(readKey(sql, keyId, id), nowMs);
  if (refusal !== null) return refusal;
  const insert = "INSERT OR IGNORE INTO key_uses (key_id, node_id, used_at) VALUES (?, ?, ?)";
  sql.run(insert, keyId, id, nowMs);
  return null;
}

/** @returns Whether it was valid until now. */
export function markRevoked(sql: Statements, keyId: string, nowMs: number): boolean {
  const update = "UPDATE directory_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
  return sql.run(update, nowMs, keyId) > 0;
}
