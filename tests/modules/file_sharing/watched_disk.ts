/**
 * The disk of a node under test: it counts what goes over it, and fails or calls out when it is told to.
 *
 * @module
 */
import type {
  FolderListing,
  LandingFolder,
  OwnerFile,
  OwnerFiles,
  PartFile,
} from "../../../ports/owner_files.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

/** A folder, but for what is done differently. */
export function folderWith(
  folder: LandingFolder,
  changed: Partial<LandingFolder>,
): LandingFolder {
  return new Proxy(folder, {
    get: (target, name) => {
      const member = Reflect.get(changed, name) ?? Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

export class WatchedDisk implements OwnerFiles {
  readonly #disk: OwnerFiles;
  readBytes = 0;
  writtenBytes = 0;
  isFull = false;
  /** What it says that it has room for. */
  freeBytes: Promise<number> | null = null;
  /** Called before each write. */
  beforeWrite: () => Promise<void> | void = () => {};

  constructor(data: string) {
    this.#disk = createOwnerFiles(data);
  }

  async openFile(path: string): Promise<OwnerFile> {
    return this.#watch(await this.#disk.openFile(path));
  }

  async openFolder(path: string): Promise<LandingFolder> {
    return this.#watchFolder(await this.#disk.openFolder(path));
  }

  listFolder(
    path: string,
    options: Parameters<OwnerFiles["listFolder"]>[1],
  ): Promise<FolderListing | null> {
    return this.#disk.listFolder(path, options);
  }

  async openInside(folder: string, path: string): Promise<OwnerFile> {
    return this.#watch(await this.#disk.openInside(folder, path));
  }

  #watchFolder(folder: LandingFolder): LandingFolder {
    return folderWith(folder, {
      openPart: async (part) => this.#watchPart(await folder.openPart(part)),
      openFolder: async (name) => this.#watchFolder(await folder.openFolder(name)),
      freeBytes: () => this.freeBytes ?? folder.freeBytes(),
    });
  }

  #watch(file: OwnerFile): OwnerFile {
    return {
      bytes: file.bytes,
      read: async (at, length) => {
        const content = await file.read(at, length);
        this.readBytes += content.length;
        return content;
      },
      close: () => file.close(),
    };
  }

  #watchPart(part: PartFile): PartFile {
    return {
      bytes: part.bytes,
      read: (at, length) => part.read(at, length),
      close: () => part.close(),
      finish: (bytes) => part.finish(bytes),
      write: async (at, content) => {
        await this.beforeWrite();
        if (this.isFull) throw new OpenRedError("overloaded", "The disk is full");
        await part.write(at, content);
        this.writtenBytes += content.length;
      },
    };
  }
}
