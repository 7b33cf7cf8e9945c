/**
 * `openred-central backup` and `restore`, which `central.ts` loads when they are asked for.
 *
 * @module
 */
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WorkerCryptoCore } from "./crypto/client.ts";
import { CryptoError } from "./crypto/interface.ts";
import type { BackupOptions } from "./directory/backup_options.ts";
import { ownerOf, settleRestored } from "./directory/stores/sqlite_restored.ts";
import { copyDatabase } from "./ports/database_copy.ts";
import { KEYSTORE_FILE, openKeystoreFiles } from "./ports/keystore_files.ts";
import { SECRET_FILE } from "./ports/node_secret.ts";
import { explainStorage } from "./ports/storage_problem.ts";
import {
  createOpenDatabase,
  holdsFile,
  lockDirectory,
  openFiles,
  systemClock,
  systemRandom,
} from "./ports/system.ts";
import { LOCK_FILES } from "./ports/system_lock.ts";
import { ProcessError, textOf } from "./process/process_error.ts";
import { OpenRedError } from "./protocol/errors.ts";

const DATABASE = "directory.db";
/** In the order in which they are restored: without its keys a directory does not start. */
const KEY_FILES = [SECRET_FILE, KEYSTORE_FILE] as const;

const IN_REDIS = "its nodes and keys are in the Redis server of --store. Back that up by its own " +
  "means (its append-only file), and the file of --store-key-file apart from it";

function refused(text: string, cause?: unknown): ProcessError {
  return new ProcessError(1, text, cause === undefined ? {} : { cause });
}

/** What is in a folder, but for the lock; `null` where there is none. */
function namesIn(folder: string): readonly string[] | null {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name)
      .filter((name) => !LOCK_FILES.includes(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Reads one moment of a database that another process may be writing, and fills a new one with it. */
async function copyTo(source: string, folder: string): Promise<void> {
  const from = new DatabaseSync(source, { readOnly: true });
  try {
    from.exec("BEGIN");
    const to = createOpenDatabase(folder)(DATABASE);
    try {
      await copyDatabase(from, to, systemClock);
      // One file, without others beside it.
      to.exec("PRAGMA journal_mode = DELETE");
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
  syncPath(`${folder}/${DATABASE}`);
}

/** Makes a file durable, or the names in a folder. Windows opens no folders. */
function syncPath(path: string): void {
  const isFolder = Deno.statSync(path).isDirectory;
  if (isFolder && Deno.build.os === "windows") return;
  const file = Deno.openSync(path, { read: true, write: !isFolder });
  file.syncSync();
  file.close();
}

async function copyKeys(from: string, to: string): Promise<void> {
  for (const name of KEY_FILES) {
    const content = await openFiles(from).read(name);
    if (content === null) throw refused(`The file ${name} is missing in ${from}`);
    await openFiles(to).write(name, content);
    content.fill(0);
  }
}

async function backUp({ dataDirectory: data, folder: named }: BackupOptions) {
  const folder = named.replace(/[/\\]+$/, "");
  if (!holdsFile(data, DATABASE)) {
    const why = holdsFile(data, KEYSTORE_FILE) ? `, or ${IN_REDIS}` : "";
    throw refused(`There is no directory in ${data}${why}`);
  }
  if (namesIn(folder) !== null) throw refused(`${folder} is there already; name a new folder`);
  const making = `${folder}.making`;
  if (namesIn(making) !== null) throw refused(`${making} is left of another backup; remove it`);
  try {
    await copyTo(`${data}/${DATABASE}`, making);
    await copyKeys(data, making);
    Deno.renameSync(making, folder);
    syncPath(`${folder}/..`);
  } catch (error) {
    await Deno.remove(making, { recursive: true }).catch(() => {});
    throw error;
  }
  const text =
    `The directory is in ${folder}. Its keys lie there readably: keep it as you keep them`;
  return { text, json: { folder } };
}

/** Opens the keys, and looks whether the database is theirs. @returns The directory's id. */
async function checkKeys(data: string, owner: string | null): Promise<string> {
  const crypto = await WorkerCryptoCore.start();
  try {
    const ports = { crypto, files: openFiles(data), random: systemRandom };
    const { nodeId } = await openKeystoreFiles(ports);
    if (owner === null || owner === nodeId) return nodeId;
    throw refused("The keys of the backup and its database are of different directories");
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    throw refused("The keys of the backup do not open: its files are damaged", error);
  } finally {
    await crypto.stop();
  }
}

async function restoreInto(data: string, folder: string) {
  await copyTo(`${folder}/${DATABASE}`, data);
  const database = createOpenDatabase(data)(DATABASE, { mustExist: true });
  let revoked;
  let owner;
  try {
    owner = ownerOf(database);
    revoked = settleRestored(database, systemClock.nowMs());
  } finally {
    database.close();
  }
  await copyKeys(folder, data);
  return { id: await checkKeys(data, owner), revoked };
}

async function restore({ dataDirectory: data, folder }: BackupOptions) {
  const missing = [DATABASE, ...KEY_FILES].filter((name) => !holdsFile(folder, name));
  if (missing.length > 0) {
    throw refused(`${folder} is no backup of a directory: it has no ${missing.join(", ")}`);
  }
  if ((namesIn(data) ?? []).length > 0) throw refused(`--data: ${data} is not empty`);
  const lock = lockDirectory(data);
  try {
    const { id, revoked } = await restoreInto(data, folder);
    const keys = revoked === 0 ? "" : `; ${revoked} keys of before let in nobody more`;
    const text = `The directory ${id} is in ${data}${keys}. Never run it beside the one it is of`;
    return { text, json: { id, revoked_keys: revoked } };
  } catch (error) {
    const left = (namesIn(data) ?? []).map((name) => Deno.remove(`${data}/${name}`));
    await Promise.allSettled(left);
    throw error;
  } finally {
    lock.release();
  }
}

function explain(error: unknown, { what, dataDirectory, folder }: BackupOptions): ProcessError {
  if (error instanceof ProcessError) return error;
  const data = what === "backup" ? folder : dataDirectory;
  const root = error instanceof OpenRedError ? error.cause ?? error : error;
  const text = explainStorage(root, { data, database: DATABASE, repair: "take another backup" });
  return refused(text ?? textOf(error), error);
}

/** Does what was asked for. @returns The exit code. */
export async function runBackup(
  given: BackupOptions,
  { out, err }: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<number> {
  const options = {
    ...given,
    dataDirectory: resolve(given.dataDirectory),
    folder: resolve(given.folder),
  };
  try {
    const { text, json } = await (options.what === "backup" ? backUp(options) : restore(options));
    out(options.json ? `${JSON.stringify(json)}\n` : `${text}\n`);
    return 0;
  } catch (error) {
    const { exitCode, message } = explain(error, options);
    const text = JSON.stringify({ code: "failed", message });
    err(options.json ? `${text}\n` : `error: ${message}\n`);
    return exitCode;
  }
}
