/**
 * What has to be settled in a data directory before anything else happens there.
 *
 * @module
 */
import type { CryptoCore, KeystoreCost, OpenedKeystore } from "../../crypto/interface.ts";
import { noteFormat, settleFormat } from "../../ports/data_format.ts";
import { KEYSTORE_FILE, openKeystoreFiles } from "../../ports/keystore_files.ts";
import { SECRET_FILE } from "../../ports/node_secret.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { DATABASE_FILE, isOwned, NEEDED_FILES, removeCopy } from "./owned_files.ts";
import { SCHEMA_VERSION } from "../store/migrations.ts";
import { NodeStore } from "../store/store.ts";
import { VAULT_FILE } from "../tokens/vault_file.ts";
import type { WriteCount } from "../store/write_count.ts";
import { finishSuccession, type JournalPorts } from "./journal.ts";
import { finishRestoration } from "./restoration.ts";
import { countWrites } from "./lost_writes.ts";
import { SELF_NAMES } from "../own/self_names.ts";

/** There while a backup is being restored. */
export const RESTORING_FILE = "restoring";

/** What an upgrade may write in another form. */
const CHANGED_FILES: readonly string[] = [
  DATABASE_FILE,
  `${DATABASE_FILE}-wal`,
  KEYSTORE_FILE,
  VAULT_FILE,
];

/** The forms of tables that every node has. */
export const OWN_TABLES = { [DATABASE_FILE]: SCHEMA_VERSION };

interface SettlePorts extends JournalPorts {
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
}

interface KeyPorts extends SettlePorts {
  readonly crypto: CryptoCore;
  readonly random: Random;
}

interface KeyOptions {
  readonly cost?: KeystoreCost | undefined;
  readonly passphrase?: Uint8Array | undefined;
}

/** What is said of a data directory that is left half restored. */
export const RESTORE_BROKE_OFF =
  "Restoring a backup broke off here; empty this data directory and restore it again";

/**
 * Brings to its end what an earlier process had begun and made certain, and removes what it left lying. Data of an older
 * format are copied before.
 * @param moduleTables The forms of the tables of modules that are about to run.
 * @throws {OpenRedError} `bad_request` where the restoring of a backup broke off; `unsupported` for data of a newer format.
 * @returns Whether they were copied.
 */
export async function settleData(
  ports: SettlePorts,
  moduleTables: Readonly<Record<string, number>> = {},
): Promise<boolean> {
  await finishRestoration(ports.files);
  if (await ports.files.read(RESTORING_FILE) !== null) {
    throw new OpenRedError("bad_request", RESTORE_BROKE_OFF);
  }
  const isCopied = await settleFormat(ports.files, {
    tables: { ...OWN_TABLES, ...moduleTables },
    files: CHANGED_FILES,
    nowMs: ports.clock.nowMs(),
  });
  await removeCopy(ports.files);
  await finishSuccession(ports);
  return isCopied;
}

/**
 * Opens a node's database, or makes that of a node that is made now: one whose keys or database are lost is not begun
 * anew beside what an earlier life left. The data are settled.
 * @throws {OpenRedError} `not_found` where the keystore or the database is lost.
 */
export async function openStore(ports: JournalPorts): Promise<NodeStore> {
  const names = (await ports.files.list("")).map(({ name }) => name);
  const store = openDatabase(ports, { mustExist: names.some(isLater) });
  if (store.self(SELF_NAMES.nodeId) === null || names.includes(KEYSTORE_FILE)) return store;
  store.close();
  throw new OpenRedError(
    "not_found",
    `The file ${KEYSTORE_FILE} of this node is missing; restore ${KEYSTORE_FILE} and ${SECRET_FILE} ` +
      "from one copy, or a backup into an empty directory",
  );
}

/** What stands in a data directory only once `node.db` has had the node's id. */
function isLater(name: string): boolean {
  return isOwned(name) && !NEEDED_FILES.includes(name);
}

function openDatabase(ports: JournalPorts, options: { mustExist: boolean }): NodeStore {
  let store: NodeStore;
  try {
    store = new NodeStore((name) => ports.openDatabase(name, options), ports.clock);
  } catch (cause) {
    throw hasCode(cause, "not_found") ? lostDatabase(cause) : cause;
  }
  if (!options.mustExist || store.self(SELF_NAMES.nodeId) !== null) return store;
  store.close();
  throw lostDatabase();
}

function lostDatabase(cause?: unknown): OpenRedError {
  return new OpenRedError(
    "not_found",
    `The file ${DATABASE_FILE} is missing or empty, and others of this node are there; restore a backup into an ` +
      `empty directory, or move ${KEYSTORE_FILE} and ${SECRET_FILE} into one to begin anew with the same id`,
    { cause },
  );
}

/**
 * Opens the keys of the node in a database, or makes them where it has none.
 * @param options The passphrase is wiped.
 * @throws What {@linkcode openKeystoreFiles} throws; `bad_request` for the keys of another node.
 */
export async function openNodeKeys(
  ports: KeyPorts,
  options: KeyOptions & { readonly store: NodeStore },
): Promise<OpenedKeystore> {
  const keys = await openKeystoreFiles(ports, options);
  const stored = options.store.self(SELF_NAMES.nodeId);
  if (stored === null || stored === keys.nodeId) return keys;
  throw new OpenRedError(
    "bad_request",
    `The ${KEYSTORE_FILE} here is that of ${keys.nodeId}, and ${DATABASE_FILE} that of ${stored}; ` +
      "a node has a data directory of its own",
  );
}

/**
 * Settles a node's data and opens its database and its keys; makes those of a node that has none. The database has the
 * node's id before anything else is written: {@linkcode openStore} tells by it what was lost. From here on its writes
 * are counted.
 * @param options The passphrase is wiped. `meanwhile`: what is done while the keys take their time.
 * @throws What {@linkcode settleData}, {@linkcode openStore} and {@linkcode openNodeKeys} throw; `overloaded` where the
 *   disk takes nothing.
 */
export async function openData(
  ports: KeyPorts,
  options: KeyOptions & {
    readonly moduleTables: Readonly<Record<string, number>>;
    readonly meanwhile: (store: NodeStore) => Promise<void>;
  },
): Promise<{ keys: OpenedKeystore; store: NodeStore; count: WriteCount; isCopied: boolean }> {
  let store: NodeStore | null = null;
  try {
    const isCopied = await settleData(ports, options.moduleTables);
    store = await openStore(ports);
    const opening = openNodeKeys(ports, { ...options, store });
    const [keys] = await Promise.all([opening, options.meanwhile(store)]);
    const count = await countWrites(ports, store);
    await store.setSelf(SELF_NAMES.nodeId, keys.nodeId);
    await noteFormat(ports.files, { ...OWN_TABLES, ...options.moduleTables });
    return { keys, store, count, isCopied };
  } catch (error) {
    store?.close();
    throw error;
  } finally {
    options.passphrase?.fill(0);
  }
}
