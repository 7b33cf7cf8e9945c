/**
 * Whether two nodes agree: one session, the same standby pairs, nothing left to deliver.
 *
 * @module
 */
import type { SessionView, StatusView } from "../../protocol/admin_api.ts";
import type { NodeMachine } from "./node_machine.ts";

/** What each node says of itself, by its name. */
export type Statuses = ReadonlyMap<string, StatusView>;

/**
 * Strangers cannot be introduced while a directory refuses the record of one of them: what it signed while its clock
 * was ahead, and somebody took, has spent the numbers up to then.
 */
export function isExcused(a: NodeMachine, b: NodeMachine, statuses: Statuses): boolean {
  const isRefused = (node: NodeMachine) =>
    statuses.get(node.name)?.directories.some((view) => view.last_error === "clock_ahead") === true;
  const knows = (node: NodeMachine, peer: NodeMachine) =>
    statuses.get(node.name)?.peers.some((view) => view.node_id === peer.nodeId && view.known);
  return (isRefused(a) || isRefused(b)) && !(knows(a, b) && knows(b, a));
}

function confirmedWith(status: StatusView | undefined, peer: NodeMachine): SessionView[] {
  return (status?.sessions ?? []).filter((session) =>
    session.peer === peer.nodeId && session.state === "confirmed"
  );
}

/** @returns What two nodes do not agree about, or `null`. */
export function pairProblem(a: NodeMachine, b: NodeMachine, statuses: Statuses): string | null {
  const [ofA, ofB] = [
    confirmedWith(statuses.get(a.name), b),
    confirmedWith(statuses.get(b.name), a),
  ];
  if (ofA.length !== 1 || ofB.length !== 1) {
    return `${ofA.length} and ${ofB.length} confirmed sessions, not one each`;
  }
  if (ofA[0]!.session_id !== ofB[0]!.session_id) return "two different sessions";
  if (ofA[0]!.role === ofB[0]!.role) return `both are ${ofA[0]!.role} of their session`;
  const viewOf = (node: NodeMachine, peer: NodeMachine) =>
    statuses.get(node.name)?.peers.find((view) => view.node_id === peer.nodeId);
  const [viewA, viewB] = [viewOf(a, b), viewOf(b, a)];
  if (viewA?.standby_pairs !== 4 || viewB?.standby_pairs !== 4) {
    return `${viewA?.standby_pairs} and ${viewB?.standby_pairs} standby pairs, not four each`;
  }
  const common = setsOnDisk(a, b).intersection(setsOnDisk(b, a));
  if (common.size < 1) return "no set of standby pairs in common";
  if (viewA.outbox + viewB.outbox > 0) return "messages that were never delivered";
  return null;
}

/** The sessions in the names of the vault's lines whose standby pairs are there. */
function setsOnDisk(node: NodeMachine, peer: NodeMachine): Set<string> {
  const vault = new TextDecoder().decode(node.host.disk.peek(".env") ?? new Uint8Array());
  const lines = vault.matchAll(/^NODE_(\w+)_TOKENS_([0-9a-f]{32})=(.*)$/gm);
  const values = new Map(
    [...lines].filter(([, id]) => id === peer.nodeId)
      .map(([, , session = "", value]) => [session, value]),
  );
  return new Set([...values].filter(([, value]) => value !== "").map(([session]) => session));
}
