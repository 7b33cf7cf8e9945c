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

/**
 * Columns that both boxes have from now on. `form` 1 is a row of the first version, whose text is bound to less;
 * `erased` says why there is no text; `place` is the message's in its conversation, `NULL` until that is known.
 */
function conversationColumns(table: string): string {
  return `
ALTER TABLE ${table} ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ${table} ADD COLUMN conversation TEXT NOT NULL DEFAULT '';
ALTER TABLE ${table} ADD COLUMN place INTEGER;
ALTER TABLE ${table} ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
ALTER TABLE ${table} ADD COLUMN run TEXT;
ALTER TABLE ${table} ADD COLUMN n INTEGER;
ALTER TABLE ${table} ADD COLUMN after TEXT NOT NULL DEFAULT '';
ALTER TABLE ${table} ADD COLUMN reply TEXT;
ALTER TABLE ${table} ADD COLUMN target TEXT;
ALTER TABLE ${table} ADD COLUMN expires_at INTEGER;
ALTER TABLE ${table} ADD COLUMN erased TEXT;
CREATE INDEX ${table}_places ON ${table} (conversation, place);
CREATE INDEX ${table}_numbers ON ${table} (conversation, run, n);
CREATE INDEX ${table}_targets ON ${table} (conversation, target) WHERE target IS NOT NULL;
CREATE INDEX ${table}_replies ON ${table} (conversation, reply) WHERE reply IS NOT NULL;
CREATE INDEX ${table}_expiries ON ${table} (expires_at)
  WHERE expires_at IS NOT NULL AND erased IS NULL;
`;
}

const SHARED = "number, conversation, place, kind, peer, id, form, run, n, after, reply, target, " +
  "expires_at, erased, sealed";

/** `delivered`: 0 waits, 1 delivered, 2 given up, 3 taken back. `seen`: the number up to which the owner has read. */
const CONVERSATIONS = `
${conversationColumns("messaging_inbox")}
${conversationColumns("messaging_outbox")}
ALTER TABLE messaging_inbox ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messaging_texts ON messaging_inbox (conversation, number)
  WHERE kind = 'text' AND erased IS NULL;
CREATE VIEW messaging_messages AS
  SELECT 0 AS own, ${SHARED}, sent_at, received_at, 1 AS delivered FROM messaging_inbox
  UNION ALL
  SELECT 1 AS own, ${SHARED}, sent_at, sent_at AS received_at, delivered FROM messaging_outbox;
CREATE TABLE messaging_conversations (
  conversation TEXT PRIMARY KEY,
  run TEXT NOT NULL DEFAULT '',
  next_n INTEGER NOT NULL DEFAULT 1,
  read_run TEXT NOT NULL DEFAULT '',
  read_n INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0,
  tell INTEGER NOT NULL DEFAULT 0,
  receipts INTEGER,
  draft_id TEXT,
  draft BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_dangling (
  conversation TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (conversation, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_restored (at INTEGER NOT NULL) STRICT;
`;

/** `stale`: something that the segment knows of is gone. */
const SEGMENTS = `
CREATE TABLE messaging_segments (
  own INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  stale INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (own, first)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER messaging_inbox_erased AFTER UPDATE OF erased ON messaging_inbox BEGIN
  UPDATE messaging_segments SET stale = 1 WHERE own = 0 AND new.number BETWEEN first AND last;
END;
CREATE TRIGGER messaging_outbox_erased AFTER UPDATE OF erased ON messaging_outbox BEGIN
  UPDATE messaging_segments SET stale = 1 WHERE own = 1 AND new.number BETWEEN first AND last;
END;
CREATE TRIGGER messaging_inbox_gone AFTER DELETE ON messaging_inbox BEGIN
  UPDATE messaging_segments SET stale = 1 WHERE own = 0 AND old.number BETWEEN first AND last;
END;
CREATE TRIGGER messaging_outbox_gone AFTER DELETE ON messaging_outbox BEGIN
  UPDATE messaging_segments SET stale = 1 WHERE own = 1 AND old.number BETWEEN first AND last;
END;
`;

function staleTriggers(box: "inbox" | "outbox"): string {
  const stale = (row: "old" | "new") => {
    const own = Number(box === "outbox");
    return `UPDATE messaging_segments SET stale = 1
    WHERE own = ${own} AND stale = 0 AND last >= ${row}.number AND first = (
      SELECT MAX(first) FROM messaging_segments WHERE own = ${own} AND first <= ${row}.number);`;
  };
  return `
DROP TRIGGER messaging_${box}_erased;
DROP TRIGGER messaging_${box}_gone;
CREATE TRIGGER messaging_${box}_erased AFTER UPDATE OF erased ON messaging_${box}
WHEN old.erased IS NULL AND new.erased IS NOT NULL BEGIN
  ${stale("new")}
END;
CREATE TRIGGER messaging_${box}_gone AFTER DELETE ON messaging_${box} BEGIN
  ${stale("old")}
END;
`;
}

/** Looks at the one segment that a row may be in, and writes it once: many rows go together. */
const STALE_ONCE = staleTriggers("inbox") + staleTriggers("outbox");

/**
 * Groups. Their texts stand in the boxes, under the conversation of the group's id: `run` of such a row is a chain of
 * `messaging_group_chains`, since others may use the same run. `shell` is what the author signed; it stays when the text
 * goes. `kept`: passed on to others. `aside`: what came of somebody who was out by then, with its own text.
 */
const GROUPS = `
CREATE TABLE messaging_groups (
  conversation TEXT PRIMARY KEY,
  stage TEXT NOT NULL,
  inviter TEXT NOT NULL,
  of_stranger INTEGER NOT NULL,
  introduces INTEGER NOT NULL,
  since INTEGER NOT NULL,
  decided INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_group_people (
  conversation TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_group_statements (
  conversation TEXT NOT NULL,
  hash TEXT NOT NULL,
  kind TEXT NOT NULL,
  n INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (conversation, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_group_chains (
  chain INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL,
  author TEXT NOT NULL,
  run TEXT NOT NULL,
  fork TEXT NOT NULL,
  UNIQUE (conversation, author, run, fork)
) STRICT;
CREATE TABLE messaging_group_messages (
  conversation TEXT NOT NULL,
  hash TEXT NOT NULL,
  author TEXT NOT NULL,
  run TEXT NOT NULL,
  n INTEGER NOT NULL,
  stm TEXT NOT NULL,
  shell TEXT NOT NULL,
  own INTEGER,
  number INTEGER,
  bytes INTEGER NOT NULL,
  kept_at INTEGER NOT NULL,
  kept INTEGER NOT NULL DEFAULT 1,
  aside INTEGER NOT NULL DEFAULT 0,
  sealed BLOB,
  PRIMARY KEY (conversation, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX messaging_group_numbers ON messaging_group_messages (conversation, author, run, n);
CREATE INDEX messaging_group_kept ON messaging_group_messages (conversation, kept_at);
CREATE INDEX messaging_group_boxes ON messaging_group_messages (own, number);
CREATE TRIGGER messaging_group_cleared AFTER DELETE ON messaging_inbox WHEN old.form = 3 BEGIN
  UPDATE messaging_group_messages SET kept = 0, number = NULL WHERE own = 0 AND number = old.number;
END;
CREATE TABLE messaging_group_awaited (
  conversation TEXT NOT NULL,
  hash TEXT NOT NULL,
  own INTEGER NOT NULL,
  number INTEGER NOT NULL,
  member TEXT NOT NULL,
  PRIMARY KEY (conversation, hash, own, number, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE messaging_group_vectors (
  conversation TEXT NOT NULL,
  member TEXT NOT NULL,
  held TEXT NOT NULL,
  read_run TEXT NOT NULL DEFAULT '',
  read_n INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation, member)
) STRICT, WITHOUT ROWID;
`;

/** What others have read of each run; `reader` is empty in a conversation of two. */
const READS = `
CREATE TABLE messaging_reads (
  conversation TEXT NOT NULL,
  reader TEXT NOT NULL,
  run TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (conversation, reader, run)
) STRICT, WITHOUT ROWID;
INSERT INTO messaging_reads
  SELECT conversation, '', read_run, read_n FROM messaging_conversations WHERE read_run <> ''
  UNION ALL
  SELECT conversation, member, read_run, read_n FROM messaging_group_vectors WHERE read_run <> '';
ALTER TABLE messaging_conversations DROP COLUMN read_run;
ALTER TABLE messaging_conversations DROP COLUMN read_n;
ALTER TABLE messaging_group_vectors DROP COLUMN read_run;
ALTER TABLE messaging_group_vectors DROP COLUMN read_n;
`;

function sharer(row: "old" | "new" | "messaging_inbox"): string {
  return `CASE WHEN ${row}.form = 3 THEN ${row}.peer ELSE ${row}.conversation END`;
}

const TAKEN = `UPDATE messaging_shares
    SET count = count - (old.erased IS NOT 'cleared'), bytes = bytes - LENGTH(old.sealed)
    WHERE peer = ${sharer("old")};`;
const GIVEN = `INSERT INTO messaging_shares (peer, count, bytes)
    VALUES (${sharer("new")}, new.erased IS NOT 'cleared', LENGTH(new.sealed))
    ON CONFLICT (peer) DO UPDATE
      SET count = count + excluded.count, bytes = bytes + excluded.bytes;`;
const EMPTY = `DELETE FROM messaging_shares WHERE peer = ${sharer("old")} AND count = 0;`;

/** How much of the inbox is whose, but for what was cleared: counted with each row, so that it holds whatever takes texts away. */
const SHARES = `
CREATE TABLE messaging_shares (
  peer TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO messaging_shares
  SELECT ${
  sharer("messaging_inbox")
}, COUNT(*), SUM(LENGTH(sealed)) FROM messaging_inbox GROUP BY 1;
CREATE TRIGGER messaging_share_given AFTER INSERT ON messaging_inbox BEGIN
  ${GIVEN}
END;
CREATE TRIGGER messaging_share_taken AFTER DELETE ON messaging_inbox BEGIN
  ${TAKEN}
  ${EMPTY}
END;
CREATE TRIGGER messaging_share_changed AFTER UPDATE OF sealed, erased, conversation ON messaging_inbox BEGIN
  ${TAKEN}
  ${GIVEN}
  ${EMPTY}
END;
`;

/** What comes again is known by its id, whatever id its sender has by then. */
const IDS = "CREATE INDEX messaging_inbox_ids ON messaging_inbox (conversation, id);";

/** Up to where authors of a group's messages have heard that they were read; and what was cleared waits for nothing. */
const TOLD = `
CREATE TABLE messaging_group_told (
  conversation TEXT NOT NULL,
  author TEXT NOT NULL,
  run TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (conversation, author, run)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER messaging_group_awaiting_cleared AFTER DELETE ON messaging_inbox WHEN old.form = 3 BEGIN
  DELETE FROM messaging_group_awaited
  WHERE conversation = old.conversation AND own = 0 AND number = old.number;
END;
`;

/** To whom a text was written: it goes to nobody but that one, or who has followed. */
const WRITTEN_TO = `
ALTER TABLE messaging_outbox ADD COLUMN written_to TEXT NOT NULL DEFAULT '';
DROP VIEW messaging_messages;
CREATE VIEW messaging_messages AS
  SELECT 0 AS own, ${SHARED}, sent_at, received_at, 1 AS delivered, '' AS written_to
    FROM messaging_inbox
  UNION ALL
  SELECT 1 AS own, ${SHARED}, sent_at, sent_at AS received_at, delivered, written_to
    FROM messaging_outbox;
`;

/** What was set aside is counted for each more of it, however much a group has. */
const ASIDE = `
CREATE INDEX messaging_group_aside ON messaging_group_messages (conversation, bytes)
  WHERE aside = 1;
`;

/** The step at place n leads from version n to n + 1. */
export const MESSAGING_TABLES: readonly string[] = [
  FIRST,
  CONVERSATIONS,
  SEGMENTS,
  STALE_ONCE,
  GROUPS,
  READS,
  SHARES,
  IDS,
  TOLD,
  WRITTEN_TO,
  ASIDE,
];
