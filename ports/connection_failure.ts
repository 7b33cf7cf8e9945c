/**
 * Why a connection failed, read from what the runtime throws: `fetch` names it in its text only.
 *
 * @module
 */
import type { UnreachableReason } from "../protocol/unreachable.ts";

const SIGNS: readonly (readonly [UnreachableReason, RegExp])[] = [
  ["name_unknown", /dns error|failed to lookup|ENOTFOUND|EAI_AGAIN|name or service not known/i],
  ["port_closed", /connection refused|ECONNREFUSED/i],
  ["no_route", /(network|host) (is )?unreachable|no route to host|ENETUNREACH|EHOSTUNREACH/i],
  ["certificate_ended", /certificate (has )?expired|: Expired/i],
  ["certificate_early", /certificate not valid yet|NotValidYet/i],
  ["certificate_issuer", /UnknownIssuer/],
  ["certificate_name", /not valid for name|NotValidForName/i],
  ["no_tls", /InvalidContentType/],
  ["tls_failed", /certificate|\btls\b|handshake ?failure/i],
];

/** @param error Whatever was thrown; its causes are looked at too. */
export function failureReason(error: unknown): UnreachableReason {
  let text = "";
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    text += `${at.name} ${at.message}\n`;
  }
  return SIGNS.find(([, sign]) => sign.test(text))?.[0] ?? "broke_off";
}
