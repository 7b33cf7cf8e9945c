/**
 * Files of the machine, anywhere but in the node's data directory, that the owner has a module of the program send or
 * receive. They can be of any size: nothing here holds a whole one.
 *
 * @module
 */

/** A file that is read. Other programs may change it at any moment. */
export interface OwnerFile {
  /** How long it was when it was opened. */
  readonly bytes: number;
  /** When it was changed last, in milliseconds since the epoch, where the system says so. */
  readonly modifiedMs?: number;
  /**
   * @param into Where to; memory of its own unless it says so.
   * @returns Fewer than `length` bytes where it ends.
   */
  read(
    at: number,
    length: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  close(): void;
}

/** A file that grows under a name of its own until it is whole. */
export interface PartFile extends OwnerFile {
  /** @throws {OpenRedError} `overloaded` where the disk takes no more; `internal` where somebody else has cut it. */
  write(at: number, content: Uint8Array): Promise<void>;
  /**
   * Cuts it down to so many bytes, and makes what was written durable.
   * @param modifiedMs When it is to have been changed last; now, unless it says so.
   * @throws {OpenRedError} `overloaded`; `internal` where somebody else has cut it.
   */
  finish(bytes: number, modifiedMs?: number): Promise<void>;
}

/** A folder that files land in. Names are single ones, without separators. */
export interface LandingFolder {
  /** Absolute, without links. */
  readonly path: string;
  /** Whatever lies there. */
  names(): Promise<readonly string[]>;
  /**
   * Opens a file that grows, or makes one of mode 0600. Whoever has it open writes alone.
   * @throws {OpenRedError} `forbidden` for anything else of this name; `rate_limited` while it is open in this process.
   */
  openPart(part: string): Promise<PartFile>;
  /** Opens a file that has landed; `null` if there is none. */
  openLanded(name: string): Promise<OwnerFile | null>;
  /**
   * Gives a part its name, durably. Nothing is ever replaced, and no link is followed. One that is still open lands only
   * as what was opened.
   * @returns Whether the name was free.
   * @throws {OpenRedError} `forbidden` where the folder has been replaced; `overloaded`; `internal` where something else has
   *   the part's name.
   */
  land(part: string, name: string): Promise<boolean>;
  /** One that is not there is ignored. */
  removePart(part: string): Promise<void>;
  /**
   * Opens a folder in this one, or makes it with mode 0700. @throws {OpenRedError} `forbidden` for anything else of this name;
   *   `overloaded`.
   */
  openFolder(name: string): Promise<LandingFolder>;
  /** Opens a folder in this one; `null` if there is none. */
  findFolder(name: string): Promise<LandingFolder | null>;
  /** As {@linkcode land}, for a folder that has grown here under a name of its own. */
  landFolder(grown: string, name: string): Promise<boolean>;
  /** Removes a folder with all that is in it; follows no link. One that is not there is ignored. */
  removeFolder(name: string): Promise<void>;
  /** Makes the names in it durable. */
  sync(): Promise<void>;
  /** What its disk has room for; `null` where the system does not say. */
  freeBytes(): Promise<number | null>;
}

/** What lies in a folder, in no order. Its paths are relative, their parts between slashes. */
export interface FolderListing {
  readonly entries: readonly {
    readonly path: string;
    /** `null` for a folder. */
    readonly bytes: number | null;
    /** Of a file, as of one that is open. */
    readonly modifiedMs?: number;
  }[];
  /** Links, special files, and what the node keeps. */
  readonly leftOut: number;
}

/** What a module of the program reaches of the machine. Paths are absolute. */
export interface OwnerFiles {
  /** @throws {OpenRedError} `not_found`; `forbidden` for what is no file, or lies in the node's data. */
  openFile(path: string): Promise<OwnerFile>;
  /** @throws {OpenRedError} `not_found`; `forbidden` for what is no folder, or lies in the node's data. */
  openFolder(path: string): Promise<LandingFolder>;
  /**
   * All that lies below a folder. @returns `null` for what is no folder.
   * @throws {OpenRedError} `not_found`; `forbidden` in the node's data; `too_large` for more than `maxEntries`.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  listFolder(
    path: string,
    options: { readonly maxEntries: number; readonly signal?: AbortSignal },
  ): Promise<FolderListing | null>;
  /**
   * Opens a file below a folder, through no link.
   * @param folder Without links, as {@linkcode LandingFolder.path} is.
   * @throws {OpenRedError} As {@linkcode openFile}.
   */
  openInside(folder: string, path: string): Promise<OwnerFile>;
}
