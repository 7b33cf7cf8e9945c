/**
 * A copy of a directory's database, made before a newer program changes how it is laid out.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { holdsFile, pathInDirectory } from "../ports/system_data_directory.ts";
import { openFiles } from "../ports/system_files.ts";

/** What a copy is to be made of. */
export interface FormerDatabase {
  readonly data: string;
  readonly name: string;
  /** The number of the layout that the program has. */
  readonly layout: number;
}

/** Reads how a database is laid out, and moves what waits in its log into it. */
function settle(path: string): number {
  const database = new DatabaseSync(path);
  try {
    const { user_version: layout } = database.prepare("PRAGMA user_version").get()!;
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return Number(layout);
  } finally {
    database.close();
  }
}

/**
 * Copies the database of an earlier layout, beside it, under the lock of its directory.
 * @returns The name of the copy, or `null` where none is needed.
 */
export async function keepFormerDatabase(
  { data, name, layout }: FormerDatabase,
): Promise<string | null> {
  const path = pathInDirectory(data, name);
  if (!holdsFile(data, name) || Deno.statSync(path).size === 0) return null;
  const former = settle(path);
  if (former >= layout) return null;
  const copy = `${name}.layout-${former}`;
  const making = `.${copy}.tmp`;
  const files = openFiles(data);
  await files.copy(name, making);
  await files.rename(making, copy);
  return copy;
}
