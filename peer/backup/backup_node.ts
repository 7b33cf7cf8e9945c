/**
 * Makes the backup of a node that does not run.
 *
 * @module
 */
import type { KeystoreCost } from "../../crypto/interface.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { openStore, settleData } from "../data/data_state.ts";
import { SCHEMA_VERSION } from "../store/migrations.ts";
import type { NodeStore } from "../store/store.ts";
import type { DataPorts } from "../data/succeed.ts";
import { writeArchive } from "./archive.ts";
import { readDataFiles } from "./data_files.ts";

export interface BackupOptions {
  /** Wiped. */
  readonly passphrase: Uint8Array;
  readonly version: string;
  readonly cost?: KeystoreCost | undefined;
}

/**
 * The bytes of a backup file.
 * @throws {OpenRedError} `not_found` without a node, or where its database is lost.
 */
export async function* backUpNode(
  ports: DataPorts,
  options: BackupOptions,
): AsyncGenerator<Uint8Array> {
  const { crypto, clock, files } = ports;
  let store: NodeStore | null = null;
  try {
    if (await files.read(KEYSTORE_FILE) === null) {
      throw new OpenRedError("not_found", "There is no node here");
    }
    await settleData(ports);
    store = await openStore(ports);
    yield* writeArchive(crypto, {
      ...options,
      schema: SCHEMA_VERSION,
      createdAt: clock.nowMs(),
      files: readDataFiles({ ...ports, store }),
    });
  } finally {
    options.passphrase.fill(0);
    store?.close();
  }
}
