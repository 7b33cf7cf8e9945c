/**
 * Reading a request's body: capped, and within a time.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { readBody } from "../protocol/http.ts";

/** More than two records, a succession and the JSON around them. */
export const MAX_REQUEST_BYTES = 16 * 1024;

const BODY_TIMEOUT_MS = 10_000;

async function readKnownLength(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (cause) {
    throw new OpenRedError("bad_request", "The body broke off", { cause });
  }
}

function readCapped(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const length = request.headers.get("content-length");
  // The server holds a sender to the length it named, and reading it whole takes half the time.
  const isKnown = length !== null && /^\d{1,9}$/.test(length) &&
    Number(length) <= MAX_REQUEST_BYTES;
  return isKnown ? readKnownLength(request) : readBody(request, MAX_REQUEST_BYTES);
}

/**
 * Reads a body of at most {@linkcode MAX_REQUEST_BYTES}.
 * @throws {OpenRedError} `too_large`, or `bad_request` for a body that broke off or took too long.
 */
export async function readRequestBody(
  clock: Pick<Clock, "setTimer">,
  request: Request,
): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.setTimer(BODY_TIMEOUT_MS, () => {
    reject(new OpenRedError("bad_request", "The body did not arrive in time"));
  });
  try {
    return await Promise.race([readCapped(request), promise]);
  } finally {
    cancel();
  }
}
