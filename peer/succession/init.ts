/**
 * Makes a node, or adds to one what it has none of: a recovery phrase.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { KeystoreCost } from "../../crypto/interface.ts";
import { openKeystoreFiles } from "../../ports/keystore_files.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { settleData } from "../data_state.ts";
import { NodeStore } from "../store.ts";
import { SELF_NAMES } from "./self_names.ts";
import { type DataPorts, showPhrase, type SucceedOptions } from "./succeed.ts";

export interface InitOptions extends Pick<SucceedOptions, "show"> {
  /** Opens the node secret where that is sealed; wiped. */
  readonly passphrase?: Uint8Array | undefined;
  readonly cost?: KeystoreCost | undefined;
}

/**
 * Makes the keys of a node that has none, and the key that may follow it.
 * @returns The node's id.
 * @throws {OpenRedError} `bad_request` for a node that has a recovery phrase; nothing was changed.
 */
export async function initNode(ports: DataPorts, options: InitOptions): Promise<string> {
  await settleData(ports);
  const keys = await openKeystoreFiles(ports, options);
  const store = new NodeStore(ports.openDatabase, ports.clock);
  try {
    if (store.self(SELF_NAMES.next) !== null) {
      throw new OpenRedError(
        "bad_request",
        "This node has a recovery phrase already, which cannot be shown again or replaced",
      );
    }
    const { phrase, next } = await ports.crypto.createSuccessor();
    await showPhrase(options.show, { id: keys.nodeId, phrase });
    await store.setSelf(SELF_NAMES.nodeId, keys.nodeId);
    await store.setSelf(SELF_NAMES.next, encodeBase64Url(next));
    return keys.nodeId;
  } finally {
    store.close();
  }
}
