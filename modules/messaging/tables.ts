/**
 * The tables of messaging.
 *
 * @module
 */

/** Texts are sealed under the module's key; what the node has to look for is not. */
const FIRST = `
CREATE TABLE messaging_inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  request INTEGER NOT NULL,
  UNIQUE (peer, id)
) STRICT;
CREATE INDEX messaging_requests ON messaging_inbox (peer) WHERE request = 1;
CREATE TABLE messaging_outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  peer TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  sealed BLOB NOT NULL,
  sent_at INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX messaging_waiting ON messaging_outbox (peer, number) WHERE delivered = 0;
`;

/** The step at place n leads from version n to n + 1. */
export const MESSAGING_TABLES: readonly string[] = [FIRST];
