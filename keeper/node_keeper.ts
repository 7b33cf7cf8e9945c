/**
 * What the commands of `openred-node` do with the data directory of a node that does not run.
 *
 * @module
 */
import { failure } from "../cli/command_error.ts";
import type { NodeKeeper } from "../cli/node_keeper.ts";
import type { NodeId } from "../crypto/encoding.ts";
import type { KeystoreCost } from "../crypto/interface.ts";
import { initNode } from "../peer/data/init.ts";
import { DATABASE_FILE, foreignNames } from "../peer/data/owned_files.ts";
import { renewNoiseKey } from "../peer/data/renew_noise_key.ts";
import { succeedNode } from "../peer/data/succeed.ts";
import { KEYSTORE_FILE } from "../ports/keystore_files.ts";
import { SECRET_FILE } from "../ports/node_secret.ts";
import { checkMachine } from "../ports/system_data_checks.ts";
import { isInside, listDirectory } from "../ports/system_file_pieces.ts";
import { backUpStopped, restore } from "./backups.ts";
import { explained, lockUnlessRunning, refuseEmptyData } from "./data_directory.ts";
import { changeKeysPassphrase, onKeys } from "./node_keys.ts";

export interface KeeperConfig {
  /** Of the program; backups name it. */
  readonly version: string;
  /** What sealing keys and backups costs; the default of the crypto core unless given. */
  readonly keystoreCost?: KeystoreCost;
}

const NODE_DATA = { database: DATABASE_FILE, needed: [KEYSTORE_FILE, SECRET_FILE] };

/** The keeper of the real data directories. */
export function createNodeKeeper({ version, keystoreCost: cost }: KeeperConfig): NodeKeeper {
  return {
    init: (options) =>
      onKeys(
        options,
        (ports, passphrase) => initNode(ports, { show: options.show, passphrase, cost }),
      ),
    succeed: async (options) => {
      const { data, phrase, show } = options;
      const from = options.from as NodeId | null;
      if (from === null) await refuseEmptyData(data, "; if its data is lost, say --from ID");
      try {
        return await onKeys(
          options,
          (ports, passphrase) =>
            succeedNode(ports, { phrase: phrase.slice(), passphrase, show, from, cost }),
        );
      } finally {
        phrase.fill(0);
      }
    },
    renewNoiseKey: async (options) => {
      await refuseEmptyData(options.data);
      return await onKeys(
        { ...options, askNewPassphrase: null },
        (ports, passphrase) => renewNoiseKey(ports, { passphrase, cost }),
      );
    },
    examine: (data) => checkMachine(data, NODE_DATA),
    backUp: async ({ data, file, passphrase }) => {
      try {
        await refuseEmptyData(data);
        if (file !== null && await isInside(file, data)) {
          throw failure(`${file}: this is in the data directory; write the backup elsewhere`);
        }
        const leftOut = foreignNames(await listDirectory(data));
        const held = lockUnlessRunning(data);
        if (held === null) {
          passphrase.fill(0);
          return { leftOut, pieces: null };
        }
        return { leftOut, pieces: backUpStopped(held, { data, passphrase, version, cost }) };
      } catch (cause) {
        passphrase.fill(0);
        throw cause;
      }
    },
    changePassphrase: (data, read, tries = 1) => changeKeysPassphrase(data, { read, tries, cost }),
    restore: (options) => explained(options.data, () => restore(options)),
  };
}
