/**
 * The call that stretches the password of a link, as whoever has the link does elsewhere.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import type { CallTable } from "../bridge/calls.ts";
import { PASSWORD_COST } from "../interface.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { checkBytes } from "../primitives/checks.ts";
import { checkSecret } from "./stretched_box.ts";

const SALT_BYTES = 16;
const STRETCHED_BYTES = 32;

/** Makes it. */
export function createPasswordCalls(
  { stretch }: Pick<CoreParts, "stretch">,
): Pick<CallTable, "stretchPassword"> {
  return {
    stretchPassword: ({ password, salt }) => {
      checkSecret(password);
      checkBytes(salt, SALT_BYTES, "a salt");
      return stretch({ secret: password, salt, ...PASSWORD_COST, length: STRETCHED_BYTES });
    },
  };
}
