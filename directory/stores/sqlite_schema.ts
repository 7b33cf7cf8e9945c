/**
 * The tables of a directory's SQLite store, and how a row becomes an entry.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { HOST_COUNTS, LEASE_COUNTS, STORED_COUNT } from "./sqlite_counts.ts";
import type { DirectoryEntry, StoredBan, StoredSuccession } from "./store.ts";

/** How the tables are laid out; a database that says a higher number is of a later program. */
export const LAYOUT = 4;

/** The first layout. `services` has a line feed around each name. */
const FIRST_TABLES = `
CREATE TABLE IF NOT EXISTS nodes (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  seq INTEGER NOT NULL,
  exp INTEGER NOT NULL,
  api_url TEXT NOT NULL,
  noise_key TEXT NOT NULL,
  host TEXT NOT NULL,
  alias TEXT,
  services TEXT NOT NULL,
  unlisted INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  listed INTEGER GENERATED ALWAYS AS (unlisted = 0 AND gone = 0) VIRTUAL,
  last_seen_at INTEGER NOT NULL,
  lease_end_at INTEGER NOT NULL,
  called_back_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pins (id TEXT PRIMARY KEY, next BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS successions (
  old_id TEXT PRIMARY KEY,
  new_id TEXT NOT NULL,
  text TEXT NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS proofs (
  jti TEXT PRIMARY KEY,
  iat INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS proofs_by_use ON proofs (used_at);
CREATE TABLE IF NOT EXISTS own (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/**
 * What lists walk through: only nodes that they may show, and no row of `nodes` before it matches.
 * `node_services` has those nodes by the names of their services.
 */
const LISTS = `
DROP INDEX IF EXISTS nodes_by_alias;
DROP INDEX IF EXISTS nodes_by_lease;
CREATE INDEX nodes_by_lease_end ON nodes (lease_end_at, gone);
CREATE INDEX nodes_listed ON nodes (id, lease_end_at) WHERE unlisted = 0 AND gone = 0;
CREATE INDEX nodes_listed_by_alias ON nodes (alias, id)
  WHERE alias IS NOT NULL AND unlisted = 0 AND gone = 0;
CREATE TABLE node_services (name TEXT, id TEXT, PRIMARY KEY (name, id)) STRICT, WITHOUT ROWID;
WITH RECURSIVE parts (id, name, rest) AS (
  SELECT id, '', replace(services, char(10) || char(10), char(10)) FROM nodes WHERE listed
  UNION ALL
  SELECT id, substr(rest, 2, instr(substr(rest, 2), char(10)) - 1),
    substr(rest, instr(substr(rest, 2), char(10)) + 1) FROM parts WHERE length(rest) > 1
)
INSERT OR IGNORE INTO node_services (name, id) SELECT name, id FROM parts WHERE name <> '';
`;

const BANS = `
CREATE TABLE bans (id TEXT PRIMARY KEY, banned_at INTEGER NOT NULL, note TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
`;

/** `key_uses` has the ids that each key has let in. */
const KEYS = `
CREATE TABLE directory_keys (
  id TEXT PRIMARY KEY,
  secret BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  uses INTEGER NOT NULL,
  note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE key_uses (
  key_id TEXT,
  node_id TEXT,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (key_id, node_id)
) STRICT, WITHOUT ROWID;
`;

/** Makes, or brings up to date, the tables of a database. */
export function prepareTables(database: DatabaseSync): void {
  const { user_version: layout } = database.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (layout > LAYOUT) {
    throw new OpenRedError("unsupported", "The database is of a later version of this program");
  }
  if (layout === LAYOUT) return;
  const first = layout === 0 ? `${FIRST_TABLES} ${LISTS} ${LEASE_COUNTS} ${HOST_COUNTS}` : "";
  const second = layout < 2 ? STORED_COUNT : "";
  const third = layout < 3 ? BANS : "";
  database.exec(
    `BEGIN IMMEDIATE; ${first} ${second} ${third} ${KEYS} PRAGMA user_version = ${LAYOUT}; COMMIT`,
  );
}

const INSERT_NODE = `
INSERT INTO nodes (id, record, seq, exp, api_url, noise_key, host, alias, services, unlisted, gone,
  last_seen_at, lease_end_at, called_back_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET record = excluded.record, seq = excluded.seq, exp = excluded.exp,
  api_url = excluded.api_url, noise_key = excluded.noise_key, host = excluded.host,
  alias = excluded.alias, services = excluded.services, unlisted = excluded.unlisted,
  gone = excluded.gone, last_seen_at = excluded.last_seen_at,
  lease_end_at = excluded.lease_end_at, called_back_at = excluded.called_back_at`;

/** Stores a record that is newer by its `seq`, or where the stored `seq` is above the last value. */
export const PUT_NODE = `${INSERT_NODE} WHERE excluded.seq > nodes.seq OR nodes.seq > ?`;

/** Stores a record that wins by the rule of merging. SQLite compares text bytewise. */
export const MERGE_NODE = `${INSERT_NODE}
WHERE excluded.seq > nodes.seq OR (excluded.seq = nodes.seq AND excluded.record > nodes.record)`;

/** The very text came twice, by two ways: the later instants count. */
export const JOIN_LEASE = `
UPDATE nodes SET last_seen_at = max(last_seen_at, ?), lease_end_at = max(lease_end_at, ?),
  called_back_at = max(called_back_at, ?) WHERE id = ? AND record = ?`;

type Row = Readonly<Record<string, unknown>>;

/** The values of a node, in the order of the columns. */
export function nodeValues(entry: DirectoryEntry): (string | number | null)[] {
  return [
    entry.id,
    entry.text,
    entry.seq,
    entry.expSec,
    entry.apiUrl,
    entry.noiseKey,
    entry.host,
    entry.alias,
    entry.services.map((name) => `\n${name}\n`).join(""),
    Number(entry.unlisted),
    Number(entry.gone),
    entry.lastSeenAt,
    entry.leaseEndAt,
    entry.calledBackAt,
  ];
}

/** Reads the column `services`. */
export function servicesOf(text: string): string[] {
  return text.split("\n").filter((name) => name !== "");
}

/** Reads a row of `nodes`. */
export function entryOfRow(row: Row): DirectoryEntry {
  return {
    id: row["id"] as NodeId,
    text: row["record"] as string,
    seq: row["seq"] as number,
    expSec: row["exp"] as number,
    apiUrl: row["api_url"] as string,
    noiseKey: row["noise_key"] as string,
    host: row["host"] as string,
    alias: row["alias"] as string | null,
    services: servicesOf(row["services"] as string),
    unlisted: row["unlisted"] === 1,
    gone: row["gone"] === 1,
    lastSeenAt: row["last_seen_at"] as number,
    leaseEndAt: row["lease_end_at"] as number,
    calledBackAt: row["called_back_at"] as number,
  };
}

/** Reads a row of `successions`. */
export function successionOfRow(row: Row): StoredSuccession {
  return {
    oldId: row["old_id"] as NodeId,
    newId: row["new_id"] as NodeId,
    text: row["text"] as string,
    storedAt: row["stored_at"] as number,
    next: null,
  };
}

/** Reads a row of `bans`. */
export function banOfRow(row: Row): StoredBan {
  return {
    id: row["id"] as NodeId,
    bannedAt: row["banned_at"] as number,
    note: row["note"] as string,
  };
}
