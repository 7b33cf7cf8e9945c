/**
 * Looking one node up by its id.
 *
 * @module
 */
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import type { NodeAnswer } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { nodeAnswer } from "./entries.ts";
import type { DirectoryParts } from "./parts.ts";
import { refuseSucceeded } from "./succeeded.ts";

/** A node that is about to register should be found soon after. */
const UNKNOWN_RETRY_MS = 5_000;

export function nodeUnknownError(): OpenRedError {
  return new OpenRedError("node_unknown", "No such node is registered here", {
    retryAfterMs: UNKNOWN_RETRY_MS,
  });
}

/**
 * Finds a node, listed or not; the directory itself too.
 * @throws {OpenRedError} `bad_request`, `node_unknown` or `succeeded`.
 */
export async function lookUp(
  parts: Pick<DirectoryParts, "clock" | "own" | "store">,
  id: string,
): Promise<NodeAnswer> {
  const { own } = parts;
  if (id === own.id) {
    const members = { api_url: own.apiUrl, last_seen: own.seq, status: "active" } as const;
    return { record: own.text, node_id: own.id, ...members };
  }
  // What is found has an id, so only what is not found has to be looked at.
  const found = await parts.store.find(id as NodeId);
  refuseSucceeded(found);
  if (found.entry !== null) return nodeAnswer(found.entry, parts.clock.nowMs());
  if (!isNodeId(id)) throw new OpenRedError("bad_request", "The path does not end in a node id");
  throw nodeUnknownError();
}
