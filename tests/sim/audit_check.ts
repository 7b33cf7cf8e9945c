/**
 * Every node's audit log holds from its first line to its head, whatever crashes and backups there were.
 *
 * @module
 */
import { checkInvariant } from "./invariant.ts";
import type { World } from "./world.ts";

/** Verifies the audit log of every running node. */
export async function checkAuditLogs(world: World): Promise<void> {
  for (const node of world.nodes) {
    if (!node.isRunning) continue;
    const { problem, lines, unreadable } = await node.ask((admin) => admin.verifyAudit());
    checkInvariant(problem === null, `${node.name}'s audit log: ${problem?.text}`);
    checkInvariant(lines > 2 && unreadable === 0, `${node.name}'s audit log has ${lines} lines`);
  }
}
