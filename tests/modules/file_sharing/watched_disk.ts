/**
 * The disk of a node under test: it counts what goes over it, and fails or calls out when it is told to.
 *
 * @module
 */
import type { LandingFolder, OwnerFile, OwnerFiles, PartFile } from "../../../ports/owner_files.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

export class WatchedDisk implements OwnerFiles {
  readonly #disk: OwnerFiles;
  readBytes = 0;
  writtenBytes = 0;
  isFull = false;
  /** Called before each write. */
  beforeWrite: () => Promise<void> | void = () => {};

  constructor(data: string) {
    this.#disk = createOwnerFiles(data);
  }

  async openFile(path: string): Promise<OwnerFile> {
    return this.#watch(await this.#disk.openFile(path));
  }

  async openFolder(path: string): Promise<LandingFolder> {
    const folder = await this.#disk.openFolder(path);
    return {
      path: folder.path,
      names: () => folder.names(),
      openPart: async (part) => this.#watchPart(await folder.openPart(part)),
      openLanded: (name) => folder.openLanded(name),
      land: (part, name) => folder.land(part, name),
      removePart: (part) => folder.removePart(part),
    };
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
