/**
 * Faults of the program: what its log says of one, and what whoever asked is told.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";

/** For the log alone: it may name files, and quote what somebody sent. */
export function faultText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Says nothing of the fault. */
export function faultResponse(): Response {
  return problemResponse(new OpenRedError("internal", "The node failed; its log says more"));
}
