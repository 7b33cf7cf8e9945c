/**
 * Gives a node that does not run a new noise key. The former one stays in the keystore, for messages that are under way.
 *
 * @module
 * @see docs/PROTOCOL.md, "Record"
 */
import type { KeystoreCost } from "../../crypto/interface.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { readNodeSecret, refuseIdlePassphrase } from "../../ports/node_secret.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { openNodeKeys, openStore, settleData } from "./data_state.ts";
import type { DataPorts } from "./succeed.ts";

export interface RenewOptions {
  /** Opens the node secret where that is sealed; wiped. */
  readonly passphrase?: Uint8Array | undefined;
  readonly cost?: KeystoreCost | undefined;
}

/**
 * Adds the key in one atomic write; the next start announces it.
 * @returns The node's id.
 * @throws {OpenRedError} `not_found` where there is no node, or its database or secret is lost; `unauthorized` where a
 *   passphrase is missing, `bad_request` where the keys have none. Nothing was changed then.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase.
 */
export async function renewNoiseKey(ports: DataPorts, options: RenewOptions): Promise<string> {
  const { crypto, files } = ports;
  const { passphrase, cost } = options;
  try {
    await settleData(ports);
    if (await files.read(KEYSTORE_FILE) === null) {
      throw new OpenRedError("not_found", "There is no node here");
    }
    if (passphrase !== undefined) await refuseIdlePassphrase(files);
    const { keystore, nodeId } = await openKeys(ports, passphrase?.slice());
    const { sealed } = await crypto.addNoiseKey({
      keystore,
      ...await openerOf(ports, passphrase),
      ...(cost === undefined ? {} : { cost }),
    });
    await files.write(KEYSTORE_FILE, sealed);
    return nodeId;
  } finally {
    passphrase?.fill(0);
  }
}

async function openKeys(ports: DataPorts, passphrase: Uint8Array | undefined) {
  const store = await openStore(ports);
  try {
    return await openNodeKeys(ports, { passphrase, store });
  } finally {
    store.close();
  }
}

/** What the keystore is sealed under: the same that has just opened it. */
async function openerOf(
  { files }: DataPorts,
  passphrase: Uint8Array | undefined,
): Promise<{ secret: Uint8Array; sealedSecret?: Uint8Array }> {
  const stored = await readNodeSecret(files);
  if (stored?.kind === "plain") return { secret: stored.secret };
  if (stored !== null && passphrase !== undefined) {
    return { secret: passphrase, sealedSecret: stored.sealed };
  }
  throw new OpenRedError("not_found", "The node's secret is gone");
}
