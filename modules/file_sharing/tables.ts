/**
 * The tables of file sharing.
 *
 * @module
 */

/** What is shared, offered and fetched is sealed under the module's key; whom it concerns is not. */
const FIRST = `
CREATE TABLE file_sharing_records (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  peer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX file_sharing_peers ON file_sharing_records (peer);
CREATE TABLE file_sharing_layers (
  share TEXT NOT NULL,
  file INTEGER NOT NULL,
  layer BLOB NOT NULL,
  PRIMARY KEY (share, file)
) STRICT;
`;

/** Layers and the lists of folders, sealed as well; what lies in the former table is moved at the start. */
const PARTS = `
CREATE TABLE file_sharing_parts (
  share TEXT NOT NULL,
  file INTEGER NOT NULL,
  part TEXT NOT NULL,
  piece INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (share, file, part, piece)
) STRICT;
`;

/** What was accepted by itself, and counts against the quota of its peer. */
const AUTO = `
CREATE TABLE file_sharing_auto (
  offer TEXT PRIMARY KEY,
  peer TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
`;

/** The restoration after which everything that was shared before has ended. */
const RESTORED = `
CREATE TABLE file_sharing_restored (at INTEGER NOT NULL) STRICT;
`;

/** The step at place n leads from version n to n + 1. */
export const FILE_SHARING_TABLES: readonly string[] = [FIRST, PARTS, AUTO, RESTORED];
