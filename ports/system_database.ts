import { DatabaseSync } from "node:sqlite";
import { OpenRedError } from "../protocol/errors.ts";
import type { OpenDatabase } from "./ports.ts";
import {
  createPrivateFile,
  holdsFile,
  pathInDirectory,
  prepareDirectory,
} from "./system_data_directory.ts";

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens databases of a data directory. SQLite gives its side files the mode of the database, so it
 * is made, of mode 0600, before SQLite sees it.
 */
export function createOpenDatabase(directory: string): OpenDatabase {
  prepareDirectory(directory);
  return (name, { mustExist } = { mustExist: false }) => {
    const path = pathInDirectory(directory, name);
    if (mustExist && !holdsFile(directory, name)) {
      throw new OpenRedError("not_found", `The file ${name} is missing`);
    }
    createPrivateFile(path);
    const database = new DatabaseSync(path);
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA secure_delete = ON;
    `);
    return database;
  };
}
