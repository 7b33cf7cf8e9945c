/**
 * Statements and memberships on their way to somebody: what they lack, and in which order it goes.
 *
 * @module
 */
import type { Summary } from "./core/vectors.ts";
import type { Group } from "./group.ts";
import type { Lane, Signed } from "./lane.ts";

/** Puts something signed into a lane, unless it is there by its own acknowledgement. */
export function enqueue(lane: Lane, { type, hash, text, n }: Signed): void {
  if (lane.given.has(hash)) return;
  lane.signed.set(hash, { type, hash, text, ...(n === undefined ? {} : { n }) });
}

/** Everything that makes a group what it is. */
export function enqueueAll(group: Group, lane: Lane): void {
  enqueueStatements(group, lane, { from: 0 });
  for (const membership of group.roster.counting()) {
    enqueue(lane, { type: "group_member", ...membership });
  }
}

/** @param range Numbers of statements, both of them included. */
export function enqueueStatements(
  group: Group,
  lane: Lane,
  { from, to = Infinity }: { readonly from: number; readonly to?: number },
): void {
  for (const statement of group.chain.statements.slice(from, to + 1)) {
    enqueue(lane, { type: "group_statement", ...statement });
  }
}

/** Puts what a peer lacks by its own word into its lane; the rest is there. */
export function enqueueLacking(group: Group, lane: Lane, summary: Summary): void {
  const members = new Set(summary.members);
  const lacking: Signed[] = [
    ...group.chain.lacking(summary.heads, summary.displaced)
      .map((statement) => ({ ...statement, type: "group_statement" as const })),
    ...group.roster.counting().filter(({ hash }) => !members.has(hash))
      .map((membership) => ({ ...membership, type: "group_member" as const })),
  ];
  for (const hash of hashesOf(group)) lane.given.add(hash);
  for (const signed of lacking) {
    lane.given.delete(signed.hash);
    enqueue(lane, signed);
  }
}

export function hashesOf(group: Group): string[] {
  return [...group.chain.statements, ...group.roster.counting()].map(({ hash }) => hash);
}

/** Whether something signed may be new to a peer. */
export function lacksSigned(group: Group, lane: Lane): boolean {
  return hashesOf(group).some((hash) => !lane.given.has(hash) && !lane.told.has(hash));
}

/** Whether a peer has statements or memberships that are not here. */
export function hasMore(group: Group, { heads, displaced, members }: Summary): boolean {
  const named = [...heads.map(({ hash }) => hash), ...displaced];
  return named.some((hash) => !group.chain.has(hash)) ||
    members.some((hash) => !group.hasMembership(hash));
}
