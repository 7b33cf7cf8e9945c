/**
 * What the node says of itself to others, as its record has it.
 *
 * @module
 */
import type { IdView } from "../../../protocol/admin_api.ts";
import { fromBase64Url } from "./base64url.ts";

/** @param view The node's own answer, whose record it has signed itself. */
export function ownClaims({ record }: Pick<IdView, "record">): {
  readonly alias: string | null;
  readonly hasPhrase: boolean;
} {
  const payload = JSON.parse(new TextDecoder().decode(fromBase64Url(record.split(".")[1] ?? "")));
  return {
    alias: typeof payload.alias === "string" ? payload.alias : null,
    hasPhrase: typeof payload.next === "string",
  };
}
