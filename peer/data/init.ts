/**
 * Makes a node, or adds to one what it has none of: a recovery phrase.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { KeystoreCost, OpenedKeystore } from "../../crypto/interface.ts";
import { noteFormat } from "../../ports/data_format.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { refuseIdlePassphrase } from "../../ports/node_secret.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { openNodeKeys, openStore, OWN_TABLES, settleData } from "./data_state.ts";
import type { NodeStore } from "../store/store.ts";
import { SELF_NAMES } from "../own/self_names.ts";
import { type DataPorts, showPhrase, type SucceedOptions } from "./succeed.ts";

export interface InitOptions extends Pick<SucceedOptions, "show"> {
  /** Opens the node secret where that is sealed, and seals that of a node that is made; wiped. */
  readonly passphrase?: Uint8Array | undefined;
  readonly cost?: KeystoreCost | undefined;
}

/**
 * Makes the keys of a node that has none, and the key that may follow it.
 * @returns The node's id.
 * @throws {OpenRedError} `bad_request` for a node that has a recovery phrase, or no passphrase though one was given, or
 *   the keystore of another one, `not_found` for one that has lost its keystore or its database; nothing was changed.
 */
export async function initNode(ports: DataPorts, options: InitOptions): Promise<string> {
  let store: NodeStore | null = null;
  try {
    await settleData(ports);
    store = await openStore(ports);
    const keys = await openKeys(ports, { ...options, store });
    const { phrase, next } = await ports.crypto.createSuccessor();
    await showPhrase(options.show, { id: keys.nodeId, phrase });
    await store.setSelf(SELF_NAMES.nodeId, keys.nodeId);
    await noteFormat(ports.files, OWN_TABLES);
    await store.setSelf(SELF_NAMES.next, encodeBase64Url(next));
    return keys.nodeId;
  } finally {
    options.passphrase?.fill(0);
    store?.close();
  }
}

async function openKeys(
  ports: DataPorts,
  options: Omit<InitOptions, "show"> & { store: NodeStore },
): Promise<OpenedKeystore> {
  const { store, passphrase, cost } = options;
  if (store.self(SELF_NAMES.next) !== null) {
    throw new OpenRedError(
      "bad_request",
      "This node has a recovery phrase already, which cannot be shown again or replaced",
    );
  }
  if (passphrase !== undefined && await ports.files.read(KEYSTORE_FILE) !== null) {
    await refuseIdlePassphrase(ports.files);
  }
  return await openNodeKeys(ports, { passphrase, cost, store });
}
