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
  /** @throws {OpenRedError} `overloaded` where the disk takes no more. */
  write(at: number, content: Uint8Array): Promise<void>;
  /** Cuts it down to so many bytes, and makes what was written durable. @throws {OpenRedError} `overloaded`. */
  finish(bytes: number): Promise<void>;
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
   * Gives a part its name, durably. Nothing is ever replaced, and no link is followed.
   * @returns Whether the name was free.
   * @throws {OpenRedError} `forbidden` where the folder has been replaced; `overloaded`.
   */
  land(part: string, name: string): Promise<boolean>;
  /** One that is not there is ignored. */
  removePart(part: string): Promise<void>;
}

/** What a module of the program reaches of the machine. Paths are absolute. */
export interface OwnerFiles {
  /** @throws {OpenRedError} `not_found`; `forbidden` for what is no file, or lies in the node's data. */
  openFile(path: string): Promise<OwnerFile>;
  /** @throws {OpenRedError} `not_found`; `forbidden` for what is no folder, or lies in the node's data. */
  openFolder(path: string): Promise<LandingFolder>;
}
