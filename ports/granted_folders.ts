/**
 * Folders of the machine that the owner lets a module see.
 *
 * @module
 */

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** One such folder. Paths are relative to it, with `/` between names, none of which is empty, `.` or `..`. */
export interface OpenFolder {
  /** Files and folders, by name; links and what else there is are left out. */
  list(path: readonly string[]): Promise<readonly FolderEntry[]>;
  /**
   * @returns `null` if there is no such file.
   * @throws {OpenRedError} `too_large`, `forbidden` for what is no file, or behind a link, `bad_request` for a name that
   *   the disk does not take.
   */
  read(path: readonly string[], maxBytes: number): Promise<Uint8Array | null>;
  /**
   * Replaces or makes a file, whole or not at all; its folder is there. What is replaced keeps its mode.
   * @throws {OpenRedError} `forbidden`, `bad_request` for a name that the disk does not take, `overloaded`.
   */
  write(path: readonly string[], content: Uint8Array): Promise<void>;
}

export interface GrantedFolders {
  /**
   * @param path Absolute.
   * @throws {OpenRedError} `not_found`; `forbidden` for a folder that holds, or lies in, the node's data directory.
   */
  open(path: string): Promise<OpenFolder>;
}
