/**
 * Ids that were followed by another one (docs/PROTOCOL.md, "Succession").
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { openSuccession } from "../protocol/statements.ts";
import { refuseBanned } from "./bans.ts";
import type { DirectoryParts } from "./parts.ts";
import type { FoundNode, StoredSuccession } from "./stores/store.ts";

/** `410`, with the succession that ended the id. A reader asks for the new id in turn. */
export function succeededError(succession: StoredSuccession): OpenRedError {
  return new OpenRedError("succeeded", `This id was followed by ${succession.newId}`, {
    members: { succession: succession.text },
  });
}

/**
 * Refuses an id that was succeeded.
 * @throws {OpenRedError} `succeeded`.
 */
export function refuseSucceeded(found: FoundNode): void {
  if (found.succession !== null) throw succeededError(found.succession);
}

/**
 * Judges the succession that a node shows with its record.
 * @throws {OpenRedError} `bad_request`, `unsupported`, `bad_signature`, `succession_refused`, or `banned`: nobody gets past a ban by
 * another id that takes the place of the first.
 */
export async function judgeSuccession(
  parts: Pick<DirectoryParts, "crypto" | "store" | "clock">,
  options: { readonly text: string; readonly newId: NodeId },
): Promise<StoredSuccession> {
  const succession = await openSuccession(parts.crypto, {
    text: options.text,
    pinnedNext: (old) => parts.store.pinnedNext(old),
  });
  if (succession.iss !== options.newId) {
    throw new OpenRedError("succession_refused", "The succession is not of the record's own id");
  }
  if (succession.old === succession.iss) {
    throw new OpenRedError("succession_refused", "An id cannot follow itself");
  }
  const old = await parts.store.find(succession.old);
  // One that holds already is not undone by a ban of the id that it ended.
  if (old.succession === null) refuseBanned(old);
  return {
    oldId: succession.old,
    newId: succession.iss,
    text: options.text,
    storedAt: parts.clock.nowMs(),
    next: succession.next ?? null,
  };
}
