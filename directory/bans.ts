/**
 * Ids that the directory's operator keeps out (docs/PROTOCOL.md, "Bans").
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import type { FoundNode } from "./stores/store.ts";

/** Nobody is told why: that is the operator's own. */
export function bannedError(): OpenRedError {
  return new OpenRedError("banned", "The operator of this directory does not take this id");
}

/**
 * Refuses an id that is banned.
 * @throws {OpenRedError} `banned`.
 */
export function refuseBanned(found: FoundNode): void {
  if (found.ban !== undefined) throw bannedError();
}
