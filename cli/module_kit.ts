/**
 * What the commands about modules need of the machine, passed in by the composition root.
 *
 * @module
 */

export interface ModuleKit {
  /** Names of the modules that are part of the program. */
  builtInNames(): Promise<readonly string[]>;
  /**
   * Reads a file that the person named, once.
   * @throws {CommandError} Exit code 2 where it cannot be read.
   * @throws {RangeError} Where it is longer than `maxBytes`.
   */
  readFile(path: string, maxBytes: number): Promise<Uint8Array>;
  /**
   * Runs a module's file apart from any node, and reads what it says of itself: unchecked.
   * @throws {Error} Whose message says why it does not load; in part the file's own words.
   */
  inspect(code: string): Promise<unknown>;
  /**
   * Makes a folder with files in it.
   * @param files Their contents by their names.
   * @throws {CommandError} Exit code 1 where there is something of this name, or it cannot be made.
   */
  createFolder(path: string, files: Readonly<Record<string, string>>): Promise<void>;
}

/**
 * Asks a person on a terminal, and reads a line.
 * @param question Safe to print.
 * @returns What was typed, without the line end; `null` where nobody can be asked.
 */
export type AskLine = (question: string) => Promise<string | null>;
