/**
 * The files of a data directory: which of them are the node's, and which only a running process's. All others are
 * somebody else's, and no backup takes them (ports/data_names.ts).
 *
 * @module
 */
import { isProgramFile } from "../../ports/data_names.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { SECRET_FILE } from "../../ports/node_secret.ts";
import type { Files } from "../../ports/ports.ts";
import { BEGIN_FILE, HEAD_FILE } from "../audit/audit_files.ts";
import { DAMAGED_FILE, VAULT_FILE } from "../tokens/vault_file.ts";

export const DATABASE_FILE = "node.db";
/** The database as it goes into a backup, while that is made. */
export const COPY_FILE = "backup.db";
/** Without these there is no node to restore. */
export const NEEDED_FILES: readonly string[] = [DATABASE_FILE, KEYSTORE_FILE, SECRET_FILE];

const SINGLE: ReadonlySet<string> = new Set([
  ...NEEDED_FILES,
  BEGIN_FILE,
  HEAD_FILE,
  VAULT_FILE,
  DAMAGED_FILE,
]);
/** The log, and those of identities that this one follows, with the secrets that open them. */
const LOG_FILE = /^(former-[A-Za-z0-9]{1,100}\.)?(audit-(begin|head|\d{6,15}\.jsonl)|node-secret)$/;

/** Whether a file belongs into a backup. */
export function isOwned(name: string): boolean {
  return SINGLE.has(name) || LOG_FILE.test(name);
}

/** Those of the names that this program never gave. */
export function foreignNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => !isOwned(name) && !isProgramFile(name));
}

/** Removes the copy of a database, which holds all messages in plain. */
export async function removeCopy(files: Pick<Files, "list" | "remove">): Promise<void> {
  for (const { name } of await files.list(COPY_FILE)) await files.remove(name);
}
