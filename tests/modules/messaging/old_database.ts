/**
 * A data directory's database as the last version wrote it that kept texts in plain: schema 4, with messages.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const SCHEMA_4 = `
CREATE TABLE self (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE peers (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  next BLOB,
  known INTEGER NOT NULL,
  succession TEXT,
  revoked_at INTEGER
) STRICT;
CREATE TABLE directories (
  url TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  record TEXT NOT NULL,
  next BLOB,
  taken_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL,
  text TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  request INTEGER NOT NULL DEFAULT 0,
  UNIQUE (peer, id)
) STRICT;
CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_waiting ON outbox (peer, number) WHERE delivered = 0;
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
CREATE INDEX inbox_requests ON inbox (peer) WHERE request = 1;
PRAGMA user_version = 4;
`;

/** What every text of the database contains, and what those contain that were deleted. */
export const MARK = "a secret of long ago";
export const GONE = "deleted before";

export interface OldMessage {
  readonly id: string;
  readonly text: string;
}

export interface OldMessages {
  readonly inbox: readonly OldMessage[];
  /** Every third one was delivered. */
  readonly outbox: readonly OldMessage[];
}

export function isDelivered(index: number): boolean {
  return index % 3 === 0;
}

/** Texts of many lengths: the longest take several pages of the database. */
function messages(box: string, count: number): OldMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${box}${index}`,
    text: `${box} ${index}: ${`${MARK} `.repeat(1 + (index % 10 === 7 ? 800 : index % 5))}`,
  }));
}

/**
 * Makes the database, as that version left it when it stopped.
 * @param path Of a file that is not there yet.
 */
export function makeOldDatabase(path: string, peer: string): OldMessages {
  using database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${SCHEMA_4}`);
  const [inbox, outbox] = [messages("in", 100), messages("out", 70)];
  const putIn = database.prepare(
    "INSERT INTO inbox (peer, id, text, received_at, request) VALUES (?, ?, ?, ?, ?)",
  );
  const putOut = database.prepare(
    "INSERT INTO outbox (peer, id, text, sent_at, delivered) VALUES (?, ?, ?, ?, ?)",
  );
  inbox.forEach(({ id, text }, index) => putIn.run(peer, id, text, index + 1, index % 2));
  outbox.forEach(({ id, text }, index) => {
    putOut.run(peer, id, text, index + 1, Number(isDelivered(index)));
  });
  // A peer that was forgotten: that version left the texts in the pages that became free.
  messages(GONE, 200).forEach(({ id, text }) => putOut.run("nobody", id, text, 1, 0));
  database.exec("DELETE FROM outbox WHERE peer = 'nobody'");
  return { inbox, outbox };
}
