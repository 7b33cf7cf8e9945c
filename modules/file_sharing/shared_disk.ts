/**
 * What others fetch, opened by the name that a share or link gives it: a file of the disk, the list of a folder, or what its
 * files contain.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { decodeFolderManifest } from "../../protocol/folder_manifest.ts";
import type { OwnerFile, OwnerFiles } from "../api.ts";
import { type FolderFiles, FolderSource } from "./folder_source.ts";

/** No path of the owner begins like that. */
const FOLDER = /^folder:(?<share>[a-z2-7]+):(?<file>\d+):(?<kind>folder|content):/;

export interface FolderPart {
  readonly share: string;
  /** The place of the folder's list in the share. */
  readonly file: number;
  readonly kind: "folder" | "content";
}

/** A name under which a {@linkcode SharedDisk} opens a part of a folder. */
export function nameOfPart({ share, file, kind }: FolderPart, path: string): string {
  return `folder:${share}:${file}:${kind}:${path}`;
}

/** Content that is in memory. */
export function memoryFile(content: Uint8Array<ArrayBuffer>): OwnerFile {
  return {
    bytes: content.length,
    read: (at, length, into = new Uint8Array(length)) => {
      const piece = content.subarray(at, at + length);
      into.set(piece);
      return Promise.resolve(into.subarray(0, piece.length));
    },
    close: () => {},
  };
}

interface Listed {
  readonly files: Promise<FolderFiles>;
  users: number;
}

/** Finds the list of a folder; `null` where there is none. */
export type FolderLists = (of: Omit<FolderPart, "kind">) => Promise<Uint8Array | null>;

/** The disk as uploads see it. */
export class SharedDisk implements Pick<OwnerFiles, "openFile"> {
  readonly #disk: OwnerFiles;
  readonly #lists: FolderLists;
  /** A folder's list is in memory once, however many fetch it. */
  readonly #listed = new Map<string, Listed>();

  constructor(disk: OwnerFiles, lists: FolderLists) {
    this.#disk = disk;
    this.#lists = lists;
  }

  async openFile(name: string): Promise<OwnerFile> {
    const groups = FOLDER.exec(name)?.groups;
    if (groups === undefined) return await this.#disk.openFile(name);
    const part = { share: groups.share!, file: Number(groups.file) };
    if (groups.kind === "folder") return memoryFile(await this.#list(part));
    const key = `${part.share} ${part.file}`;
    const root = name.slice(FOLDER.exec(name)![0].length);
    return await this.#openContent(key, () => this.#read(part, root));
  }

  async #list({ share, file }: Omit<FolderPart, "kind">): Promise<Uint8Array<ArrayBuffer>> {
    const list = await this.#lists({ share, file });
    if (list === null) throw new OpenRedError("not_found", "There is nothing at this path");
    return new Uint8Array(list);
  }

  async #read(part: Omit<FolderPart, "kind">, path: string): Promise<FolderFiles> {
    const { entries } = decodeFolderManifest(await this.#list(part));
    const { path: root } = await this.#disk.openFolder(path);
    const files = entries.flatMap(({ path, length }) => length === null ? [] : [{ path, length }]);
    return { root, files };
  }

  async #openContent(key: string, read: () => Promise<FolderFiles>): Promise<OwnerFile> {
    const listed = this.#listed.get(key) ?? { files: read(), users: 0 };
    this.#listed.set(key, listed);
    listed.users += 1;
    const leave = () => {
      listed.users -= 1;
      if (listed.users === 0) this.#listed.delete(key);
    };
    try {
      const source = new FolderSource(this.#disk, await listed.files);
      return {
        bytes: source.bytes,
        read: (at, length, into) => source.read(at, length, into),
        close: () => {
          source.close();
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }
}
