/**
 * The schema of the node's database, step by step: a database of any former version becomes one of today.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { OpenRedError } from "../../protocol/errors.ts";

/** Version 1 was written without a number: its tables may be there already. */
const FIRST = `
CREATE TABLE IF NOT EXISTS self (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS peers (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  next BLOB,
  known INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  succession TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS directories (
  url TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  record TEXT NOT NULL,
  next BLOB,
  taken_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL,
  text TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  UNIQUE (peer, id)
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (peer, number) WHERE delivered = 0;
`;

/** Whoever was accepted keeps the one permission that this meant. */
const PERMISSIONS = `
CREATE TABLE peer_permissions (
  peer TEXT NOT NULL,
  name TEXT NOT NULL,
  allowed INTEGER NOT NULL,
  PRIMARY KEY (peer, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_permissions (
  group_name TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (group_name, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_members (
  peer TEXT NOT NULL,
  group_name TEXT NOT NULL,
  PRIMARY KEY (peer, group_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocked_peers (peer TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE petnames (
  folded TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  peer TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE contact_directories (peer TEXT PRIMARY KEY, url TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO peer_permissions (peer, name, allowed)
  SELECT id, 'message', 1 FROM peers WHERE accepted = 1 AND succession IS NULL;
ALTER TABLE peers DROP COLUMN accepted;
`;

/** When a peer's pairs were revoked, until somebody here asks for it. */
const REVOKED = "ALTER TABLE peers ADD COLUMN revoked_at INTEGER;";

/** Which messages came as contact requests. */
const REQUESTS = `
ALTER TABLE inbox ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_requests ON inbox (peer) WHERE request = 1;
`;

/** What modules keep, and what the node keeps about them. Plain messages wait for their module to seal them. */
const MODULES = `
CREATE TABLE modules (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT,
  enabled INTEGER NOT NULL,
  grants TEXT NOT NULL,
  revoked TEXT NOT NULL,
  options TEXT NOT NULL,
  salt BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE module_tables (module TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE module_rows (
  module TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (module, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE module_row_bytes (module TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE module_code (module TEXT PRIMARY KEY, code BLOB NOT NULL) STRICT;
CREATE TABLE module_files (
  module TEXT NOT NULL,
  name TEXT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (module, name)
) STRICT;
CREATE TABLE module_frames (
  number INTEGER PRIMARY KEY,
  module TEXT NOT NULL,
  peer TEXT NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (module, peer, id)
) STRICT;
CREATE TABLE module_hooks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  module TEXT NOT NULL,
  hook TEXT NOT NULL,
  peer TEXT NOT NULL,
  next TEXT
) STRICT;
ALTER TABLE inbox RENAME TO messaging_plain_inbox;
ALTER TABLE outbox RENAME TO messaging_plain_outbox;
DROP INDEX inbox_requests;
DROP INDEX outbox_waiting;
`;

/**
 * Whether the owner agreed here to what a module is and may do, which a backup cannot say; and copies of what modules
 * kept before an older version of them began to run; and what opens the data of modules that are gone.
 */
const AGREED = `
ALTER TABLE modules ADD COLUMN agreed INTEGER NOT NULL DEFAULT 1;
CREATE TABLE module_copies (module TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE modules_left (
  name TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  salt BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Invitations made here, whom they let in, and those that others gave to this node. */
const INVITATIONS = `
CREATE TABLE invitations (
  id TEXT PRIMARY KEY,
  secret BLOB NOT NULL,
  name TEXT,
  uses INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE invitation_uses (
  number INTEGER PRIMARY KEY,
  invitation TEXT NOT NULL,
  peer TEXT,
  used_at INTEGER NOT NULL,
  UNIQUE (invitation, peer)
) STRICT;
CREATE INDEX invitation_uses_peer ON invitation_uses (peer);
CREATE TABLE held_invitations (
  peer TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  secret BLOB NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** The step at place n leads from version n to n + 1. New ones are appended, none is ever changed. */
const MIGRATIONS: readonly string[] = [
  FIRST,
  PERMISSIONS,
  REVOKED,
  REQUESTS,
  MODULES,
  AGREED,
  INVITATIONS,
];

/** What {@linkcode migrate} makes of any database. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings a database to the newest version; each step is one transaction.
 * @throws {OpenRedError} `unsupported` for a database that a newer program has written.
 */
export function migrate(database: DatabaseSync): void {
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.user_version ?? 0);
  if (version > MIGRATIONS.length) {
    throw new OpenRedError("unsupported", "A newer version of this program wrote node.db");
  }
  MIGRATIONS.forEach((sql, index) => {
    if (index >= version) step(database, `${sql}PRAGMA user_version = ${index + 1};`);
  });
}

/** Runs SQL as one transaction. @throws The database's error; then nothing of it is there. */
export function step(database: DatabaseSync, sql: string): void {
  try {
    database.exec(`BEGIN IMMEDIATE;${sql}COMMIT;`);
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // It never began, or SQLite has rolled back by itself.
    }
    throw error;
  }
}
