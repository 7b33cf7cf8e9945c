/**
 * What has to be settled in a data directory before anything else happens there.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { removeCopy } from "./backup/owned_files.ts";
import { finishSuccession, type JournalPorts } from "./succession/journal.ts";

/** There while a backup is being restored. */
export const RESTORING_FILE = "restoring";

/**
 * Brings to its end what an earlier process had begun and made certain, and removes what it left lying.
 * @throws {OpenRedError} `bad_request` where the restoring of a backup broke off.
 */
export async function settleData(ports: JournalPorts): Promise<void> {
  if (await ports.files.read(RESTORING_FILE) !== null) {
    throw new OpenRedError(
      "bad_request",
      "Restoring a backup broke off here; empty this data directory and restore it again",
    );
  }
  await removeCopy(ports.files);
  await finishSuccession(ports);
}
