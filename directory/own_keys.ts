/**
 * The directory's keys: made on the first start, and never beside what an earlier life left.
 *
 * @module
 */
import type { CryptoCore, KeystoreCost, OpenedKeystore } from "../crypto/interface.ts";
import { KEYSTORE_FILE, openKeystoreFiles } from "../ports/keystore_files.ts";
import { SECRET_FILE } from "../ports/node_secret.ts";
import type { Files, Random } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { LAST_SEQ } from "./own_record.ts";
import type { DirectoryStore } from "./stores/store.ts";

/** The name under which the store keeps whose it is. */
export const OWN_ID = "id";

interface OwnKeyPorts {
  readonly crypto: CryptoCore;
  readonly files: Files;
  readonly random: Random;
  readonly store: Pick<DirectoryStore, "getOwn" | "swapOwn">;
}

/**
 * Opens the keystore, or makes it where the store has never had one beside it.
 * @throws {OpenRedError} `not_found` where the keystore or its secret is lost, `bad_request` where it is another
 *   directory's, `overloaded` where the disk takes nothing.
 * @throws {CryptoError} `unseal_failed` for a keystore that does not open.
 */
export async function openOwnKeys(
  ports: OwnKeyPorts,
  options: { readonly cost?: KeystoreCost | undefined },
): Promise<OpenedKeystore> {
  const { files, store } = ports;
  const stored = await store.getOwn(OWN_ID);
  const hasLived = stored !== null || await store.getOwn(LAST_SEQ) !== null;
  if (hasLived && await files.read(KEYSTORE_FILE) === null) {
    throw new OpenRedError(
      "not_found",
      `The file ${KEYSTORE_FILE} is missing; restore ${KEYSTORE_FILE} and ${SECRET_FILE} from one copy`,
    );
  }
  const keys = await openKeystoreFiles(ports, options);
  if (stored === null) await store.swapOwn(OWN_ID, null, keys.nodeId);
  else if (stored !== keys.nodeId) {
    throw new OpenRedError(
      "bad_request",
      `The ${KEYSTORE_FILE} is that of ${keys.nodeId}, and the database that of ${stored}; ` +
        "a directory has a data directory of its own",
    );
  }
  return keys;
}
