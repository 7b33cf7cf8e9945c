/**
 * Why nothing answered, or not what should: stable words beside the code `unreachable`, for whoever has to mend it.
 *
 * @module
 */
import { OpenRedError } from "./errors.ts";

/** What each reason tells people. */
const TEXTS = {
  name_unknown: "the name in its URL does not resolve",
  port_closed: "nothing listens at its address and port",
  no_route: "its network cannot be reached from here",
  certificate_ended: "its TLS certificate has ended, or this machine's clock is ahead",
  certificate_early: "its TLS certificate is not valid yet, or this machine's clock is behind",
  certificate_issuer:
    "its TLS certificate is of an authority that is not known here; --ca names a private one",
  certificate_name: "its TLS certificate is for another name",
  no_tls: "what listens there speaks no TLS",
  tls_failed: "TLS with it fails",
  too_slow: "no whole answer came in time",
  too_large: "its answer is too large",
  broke_off: "the connection broke off, or what came is no HTTP",
  redirects: "it answers with a redirect, which is not followed: the URL leads elsewhere",
  other_answer: "something else answers at its URL: a portal, a proxy or another program",
} as const;

export type UnreachableReason = keyof typeof TEXTS;

export const UNREACHABLE_REASONS = Object.keys(TEXTS) as readonly UnreachableReason[];

/** @param who Whom the sentence is about, such as "The directory". */
export function unreachable(
  who: string,
  reason: UnreachableReason,
  options: ErrorOptions = {},
): OpenRedError {
  const members = { reason };
  return new OpenRedError("unreachable", `${who} cannot be reached: ${TEXTS[reason]}`, {
    ...options,
    members,
  });
}

/** The reason that an error names, or `null`. */
export function unreachableReason(error: OpenRedError): UnreachableReason | null {
  const { reason } = error.members;
  return typeof reason === "string" && Object.hasOwn(TEXTS, reason)
    ? reason as UnreachableReason
    : null;
}

/** What an answer tells that is none of the protocol. */
export function reasonOfStatus(status: number): UnreachableReason {
  return status >= 300 && status <= 399 ? "redirects" : "other_answer";
}
