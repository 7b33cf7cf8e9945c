/**
 * Counts that are kept, so that asking for one costs the same for any number of nodes. Triggers keep
 * them: they hold after a crash, and after a write that failed.
 *
 * @module
 */
import type { Statements } from "./statements.ts";
import type { NodeCounts } from "./store.ts";

/** Rows that one step looks at; nodes whose leases end in the same millisecond go together. */
const ROWS_A_STEP = 2_000;

/** How many nodes, not gone, have a lease that ends after an instant. */
export const LEASE_COUNTS = `
CREATE TABLE lease_counts (name TEXT PRIMARY KEY, ends_after INTEGER NOT NULL, n INTEGER NOT NULL) STRICT;
INSERT INTO lease_counts
  SELECT column1, -9007199254740991, (SELECT count(*) FROM nodes WHERE gone = 0)
  FROM (VALUES ('known'), ('recent'), ('active'));
CREATE TRIGGER lease_inserted AFTER INSERT ON nodes WHEN new.gone = 0 BEGIN
  UPDATE lease_counts SET n = n + 1 WHERE ends_after < new.lease_end_at;
END;
CREATE TRIGGER lease_deleted AFTER DELETE ON nodes WHEN old.gone = 0 BEGIN
  UPDATE lease_counts SET n = n - 1 WHERE ends_after < old.lease_end_at;
END;
CREATE TRIGGER lease_updated AFTER UPDATE OF gone, lease_end_at ON nodes BEGIN
  UPDATE lease_counts SET n = n + (new.gone = 0 AND ends_after < new.lease_end_at)
    - (old.gone = 0 AND ends_after < old.lease_end_at)
  WHERE (new.gone = 0 AND ends_after < new.lease_end_at)
    <> (old.gone = 0 AND ends_after < old.lease_end_at);
END;
`;

/** How many places of each host are taken: by ids, gone ones too, and by what followed ids of it. */
export const HOST_COUNTS = `
DROP INDEX IF EXISTS nodes_by_host;
ALTER TABLE successions ADD COLUMN host TEXT NOT NULL DEFAULT '';
CREATE TABLE hosts (host TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO hosts SELECT host, count(*) FROM nodes WHERE host <> '' GROUP BY host;
CREATE TRIGGER host_of_new_node AFTER INSERT ON nodes WHEN new.host <> '' BEGIN
  INSERT INTO hosts VALUES (new.host, 1) ON CONFLICT (host) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER host_of_deleted_node AFTER DELETE ON nodes WHEN old.host <> '' BEGIN
  UPDATE hosts SET n = n - 1 WHERE host = old.host;
  DELETE FROM hosts WHERE host = old.host AND n = 0;
END;
CREATE TRIGGER host_of_moved_node AFTER UPDATE OF host ON nodes WHEN new.host <> old.host BEGIN
  INSERT INTO hosts SELECT new.host, 1 WHERE new.host <> '' ON CONFLICT (host) DO UPDATE SET n = n + 1;
  UPDATE hosts SET n = n - 1 WHERE host = old.host;
  DELETE FROM hosts WHERE host = old.host AND n = 0;
END;
CREATE TRIGGER host_of_succession AFTER INSERT ON successions WHEN new.host <> '' BEGIN
  INSERT INTO hosts VALUES (new.host, 1) ON CONFLICT (host) DO UPDATE SET n = n + 1;
END;
`;

/** How many rows nodes and successions have. */
export const STORED_COUNT = `
CREATE TABLE stored_count (n INTEGER NOT NULL) STRICT;
INSERT INTO stored_count
  SELECT (SELECT count(*) FROM nodes) + (SELECT count(*) FROM successions);
CREATE TRIGGER stored_node AFTER INSERT ON nodes BEGIN UPDATE stored_count SET n = n + 1; END;
CREATE TRIGGER stored_node_deleted AFTER DELETE ON nodes BEGIN UPDATE stored_count SET n = n - 1; END;
CREATE TRIGGER stored_succession AFTER INSERT ON successions BEGIN
  UPDATE stored_count SET n = n + 1;
END;
`;

interface Count {
  readonly name: string;
  readonly ends_after: number;
  readonly n: number;
}

/** Reads the counts as they were at the last {@linkcode moveCount}, and with what was stored since. */
export function readCounts(sql: Statements): NodeCounts {
  const rows = sql.prepare("SELECT name, n FROM lease_counts").all() as unknown as Count[];
  const { known = 0, recent = 0, active = 0 } = Object.fromEntries(
    rows.map(({ name, n }) => [name, n]),
  );
  return { active, stale: recent - active, dormant: known - recent };
}

/**
 * Moves the instant of one count by one step: the nodes whose leases end between are added or taken away.
 * @returns Whether it is where it has to be.
 */
export function moveCount(
  sql: Statements,
  to: { readonly name: "active" | "recent"; readonly endsAfter: number },
): boolean {
  const from = sql.get("SELECT ends_after, n FROM lease_counts WHERE name = ?", to.name);
  const { ends_after, n } = from as unknown as Count;
  const low = Math.min(ends_after, to.endsAfter);
  const high = Math.max(ends_after, to.endsAfter);
  const isForward = to.endsAfter > ends_after;
  const edge = sql.get(
    `SELECT lease_end_at AS n FROM nodes WHERE lease_end_at > ? AND lease_end_at <= ?
    ORDER BY lease_end_at ${isForward ? "ASC" : "DESC"} LIMIT 1 OFFSET ${ROWS_A_STEP - 1}`,
    low,
    high,
  );
  const stop = edge === undefined ? null : Number(edge["n"]);
  const endsAfter = stop === null ? to.endsAfter : isForward ? stop : stop - 1;
  const moved = sql.number(
    "SELECT count(*) AS n FROM nodes WHERE gone = 0 AND lease_end_at > ? AND lease_end_at <= ?",
    Math.min(ends_after, endsAfter),
    Math.max(ends_after, endsAfter),
  );
  sql.run(
    "UPDATE lease_counts SET ends_after = ?, n = ? WHERE name = ?",
    endsAfter,
    isForward ? n - moved : n + moved,
    to.name,
  );
  return stop === null;
}
