/**
 * Reading a request's body: capped, and within a time.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { readBodyInTime } from "../protocol/http.ts";

/** More than two records, a succession and the JSON around them. */
export const MAX_REQUEST_BYTES = 16 * 1024;

/**
 * Reads a body of at most {@linkcode MAX_REQUEST_BYTES}.
 * @throws {OpenRedError} `too_large`, or `bad_request` for a body that broke off or took too long.
 */
export function readRequestBody(
  clock: Pick<Clock, "setTimer">,
  request: Request,
): Promise<Uint8Array<ArrayBuffer>> {
  return readBodyInTime(request, { maxBytes: MAX_REQUEST_BYTES, clock });
}
