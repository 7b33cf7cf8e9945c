/**
 * What a database has to forget when it comes out of a backup.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { OpenRedError } from "../../protocol/errors.ts";
import { OWN_ID } from "../own_keys.ts";
import { PROOF_FLOOR } from "./sqlite.ts";
import { prepareTables } from "./sqlite_schema.ts";

/** Reads whose database it is; `null` where its directory has never started. */
export function ownerOf(database: DatabaseSync): string | null {
  const row = database.prepare("SELECT value FROM own WHERE name = ?").get(OWN_ID);
  return row === undefined ? null : String(row["value"]);
}

/**
 * Has a database begin anew where it cannot know what happened since it was copied: no proof of before is taken, and no
 * key of before lets anybody in.
 * @returns How many keys were revoked.
 * @throws {OpenRedError} `bad_request` for a database that is damaged, `unsupported` for one of a later version.
 */
export function settleRestored(database: DatabaseSync, nowMs: number): number {
  const found = database.prepare("PRAGMA integrity_check(1)").get();
  if (found?.["integrity_check"] !== "ok") {
    throw new OpenRedError("bad_request", "The database of the backup is damaged");
  }
  prepareTables(database);
  const sql = "UPDATE directory_keys SET revoked_at = ? WHERE revoked_at IS NULL";
  const { changes } = database.prepare(sql).run(nowMs);
  const floor = `INSERT INTO own (name, value) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
  database.prepare(floor).run(PROOF_FLOOR, String(Math.floor(nowMs / 1000)));
  return Number(changes);
}
