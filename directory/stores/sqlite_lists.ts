/**
 * Pages of nodes: what a page looks at is bounded, whatever it filters by, so that none holds up the process.
 *
 * @module
 */
import { entryOfRow, servicesOf } from "./sqlite_schema.ts";
import type { Statements } from "./statements.ts";
import type { ListPage, ListQuery } from "./store.ts";

/** Entries of an index that a page looks at. */
const MAX_LOOKED_AT = 5_000;

/** Of nodes found by a name the lease stands in their row, which is dearer. */
const MAX_NAMED_LOOKED_AT = 1_000;

/** What a page walks through, in the order of ids. */
interface Walk {
  /** Gives `id` and `lease_end_at`. */
  readonly sql: string;
  readonly values: readonly string[];
  readonly limit: number;
}

function walkFor({ alias, service, after }: ListQuery): Walk {
  const listed = "unlisted = 0 AND gone = 0";
  if (alias !== null) {
    const sql = `SELECT id, lease_end_at FROM nodes INDEXED BY nodes_listed_by_alias
      WHERE ${listed} AND alias = ? AND id > ? ORDER BY id LIMIT ${MAX_NAMED_LOOKED_AT}`;
    return { sql, values: [alias, after], limit: MAX_NAMED_LOOKED_AT };
  }
  if (service !== null) {
    const sql = `SELECT id, (SELECT lease_end_at FROM nodes INDEXED BY nodes_listed
      WHERE ${listed} AND nodes.id = node_services.id) AS lease_end_at FROM node_services
      WHERE name = ? AND id > ? ORDER BY id LIMIT ${MAX_NAMED_LOOKED_AT}`;
    return { sql, values: [service, after], limit: MAX_NAMED_LOOKED_AT };
  }
  const sql = `SELECT id, lease_end_at FROM nodes INDEXED BY nodes_listed
    WHERE ${listed} AND id > ? ORDER BY id LIMIT ${MAX_LOOKED_AT}`;
  return { sql, values: [after], limit: MAX_LOOKED_AT };
}

/** Reads one page. */
export function readPage(sql: Statements, query: ListQuery): ListPage {
  const walk = walkFor(query);
  const hasService = query.alias !== null && query.service !== null;
  const filter = hasService
    ? "AND EXISTS (SELECT 1 FROM node_services WHERE name = ? AND node_services.id = walked.id)"
    : "";
  const rows = sql.prepare(`
    SELECT nodes.* FROM (${walk.sql}) AS walked CROSS JOIN nodes ON nodes.id = walked.id
    WHERE walked.lease_end_at > ? AND walked.lease_end_at <= ? ${filter}
    ORDER BY walked.id LIMIT ?`)
    .all(
      ...walk.values,
      query.leaseEndsAfter,
      query.leaseEndsBy,
      ...(hasService ? [query.service] : []),
      query.limit + 1,
    );
  const entries = rows.slice(0, query.limit).map(entryOfRow);
  if (rows.length > query.limit) return { entries, nextAfter: entries.at(-1)!.id };
  const last = sql.get(
    `SELECT id FROM (${walk.sql}) LIMIT 1 OFFSET ${walk.limit - 1}`,
    ...walk.values,
  );
  return { entries, nextAfter: last === undefined ? null : last["id"] as string };
}

/** Under which names a node is found. */
export function listedServices(
  node: {
    readonly services: readonly string[];
    readonly unlisted: boolean;
    readonly gone: boolean;
  },
): readonly string[] {
  return node.unlisted || node.gone ? [] : node.services;
}

/** The same of the row that a node has now. */
export function storedServices(sql: Statements, id: string): readonly string[] {
  const row = sql.get("SELECT services FROM nodes WHERE id = ? AND listed", id);
  return row === undefined ? [] : servicesOf(row["services"] as string);
}

/** Has lists find a node by other services than `before`. */
export function moveServices(
  sql: Statements,
  id: string,
  names: { readonly before: readonly string[]; readonly after: readonly string[] },
): void {
  const { before, after } = names;
  for (const name of before) {
    if (after.includes(name)) continue;
    sql.run("DELETE FROM node_services WHERE name = ? AND id = ?", name, id);
  }
  for (const name of after) {
    if (before.includes(name)) continue;
    sql.run("INSERT OR IGNORE INTO node_services (name, id) VALUES (?, ?)", name, id);
  }
}

/** Deletes a node's row. @returns Whether there was one. */
export function deleteNode(sql: Statements, id: string): boolean {
  moveServices(sql, id, { before: storedServices(sql, id), after: [] });
  return sql.run("DELETE FROM nodes WHERE id = ?", id) > 0;
}

/** The same with its pin, so that whoever comes under this id is new. */
export function forgetNode(sql: Statements, id: string): boolean {
  if (!deleteNode(sql, id)) return false;
  sql.run("DELETE FROM pins WHERE id = ?", id);
  return true;
}
