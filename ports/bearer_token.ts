/**
 * Tokens in the `Authorization` of a request, compared in constant time.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

/** Whether a request carries this token, as `Bearer`. An empty token is nobody's. */
export function hasBearer(request: Request, token: string): boolean {
  const [, text = ""] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
  const encoder = new TextEncoder();
  const given = encoder.encode(text);
  const own = encoder.encode(token);
  return given.length > 0 && given.length === own.length && timingSafeEqual(given, own);
}

/**
 * Whether a program of this machine that has the token sent a request. A page of a browser may reach loopback; it
 * neither knows the token nor can it leave out what a browser adds.
 */
export function isOfProgram(request: Request, token: string): boolean {
  const { headers } = request;
  return hasBearer(request, token) && !headers.has("origin") && !headers.has("cookie");
}
