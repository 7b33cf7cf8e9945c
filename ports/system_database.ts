import { DatabaseSync } from "node:sqlite";
import { OpenRedError } from "../protocol/errors.ts";
import type { OpenDatabase } from "./ports.ts";
import {
  closeDirectory,
  createPrivateFile,
  fileInDirectory,
  holdsFile,
  prepareDirectory,
} from "./system_data_directory.ts";

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens databases of a data directory, which is closed to others from then on. SQLite gives its side files the mode of
 * the database, so it is made, of mode 0600, before SQLite sees it. What SQLite sorts stays in memory: its temporary
 * files would lie in a folder that everybody uses.
 */
export function createOpenDatabase(directory: string): OpenDatabase {
  prepareDirectory(directory);
  return (name, { mustExist } = { mustExist: false }) => {
    const path = fileInDirectory(directory, name);
    if (mustExist && !holdsFile(directory, name)) {
      throw new OpenRedError("not_found", `The file ${name} is missing`);
    }
    createPrivateFile(path);
    closeDirectory(directory);
    const database = new DatabaseSync(path);
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA secure_delete = ON;
      PRAGMA temp_store = MEMORY;
    `);
    return database;
  };
}
