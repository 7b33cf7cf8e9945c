/**
 * A node secret under a passphrase: 32 bytes in a box of their own. Changing the passphrase makes a new box around the
 * same secret, so that whatever is sealed under the secret stays as it is.
 *
 * @module
 * @see ./stretched_box.ts for the form
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkByteArray, checkBytes } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import type { KeystoreCost } from "../interface.ts";
import { openBox, sealBox } from "./stretched_box.ts";

/** The length of a node secret. */
export const SECRET_BYTES = 32;
const MAGIC = "ORSECR01";
const PLAIN_BYTES = { min: SECRET_BYTES, max: SECRET_BYTES };

type SecretCalls = Pick<CallTable, "sealSecret" | "openSecret" | "resealSecret">;

/** Opens a sealed secret. It is the caller's to wipe; so is the passphrase. */
export async function unsealSecret(
  parts: CoreParts,
  options: { sealed: Uint8Array; passphrase: Uint8Array },
): Promise<Uint8Array> {
  const { sealed, passphrase: secret } = options;
  checkByteArray(sealed, "a sealed secret");
  return await openBox(parts, { magic: MAGIC, secret, sealed, plainBytes: PLAIN_BYTES });
}

/** Seals a secret of 32 bytes under a passphrase. Both are the caller's to wipe. */
export async function sealSecret(
  parts: CoreParts,
  options: { secret: Uint8Array; passphrase: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const plain = checkBytes(options.secret, SECRET_BYTES, "a node secret");
  const { passphrase: secret, cost } = options;
  return await sealBox(parts, { magic: MAGIC, secret, plain, cost });
}

export function createSecretCalls(parts: CoreParts): SecretCalls {
  return {
    sealSecret: (options) => sealSecret(parts, options),
    openSecret: (options) => unsealSecret(parts, options),
    resealSecret: async ({ sealed, passphrase, newPassphrase, cost }) => {
      const plain = await unsealSecret(parts, { sealed, passphrase });
      try {
        return await sealBox(parts, { magic: MAGIC, secret: newPassphrase, plain, cost });
      } finally {
        wipe(plain);
      }
    },
  };
}
