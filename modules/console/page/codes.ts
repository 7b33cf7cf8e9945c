/**
 * The node's stable codes, in the reader's words.
 *
 * @module
 */
import { hasWord, t } from "./language.ts";

/** What an error code says. */
export function codeText(code: string): string {
  const key = `error.${code}`;
  if (code === "bad_request" || !hasWord(key)) return t("error.other", { code });
  return t(key);
}

/** Why somebody cannot be reached. @param reason Says more of `unreachable`. */
export function troubleText(
  { code, reason }: { readonly code: string; readonly reason: string | null },
): string {
  const key = `trouble.${code}`;
  return (hasWord(key) ? t(key) : codeText(code)) + reasonText(reason);
}

/** Why a directory does not have this node. */
export function directoryText(code: string, reason: string | null): string {
  return codeText(code) + reasonText(reason);
}

/** Why there is no link to the relay. */
export function relayText(code: string): string {
  const key = `relay.error_${code}`;
  return hasWord(key) ? t(key) : codeText(code);
}

function reasonText(reason: string | null): string {
  const key = `reason.${reason}`;
  return hasWord(key) ? ` ${t(key)}` : "";
}
