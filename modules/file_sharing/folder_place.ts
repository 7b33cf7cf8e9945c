/**
 * Where a transfer grows: files as they are; of a folder first its list, then a private folder, which gets its name when
 * all is in it.
 *
 * @module
 */
import { decodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_MANIFEST_BYTES } from "../../protocol/file_frames.ts";
import { decodeFolderManifest, type FolderManifest } from "../../protocol/folder_manifest.ts";
import type { FileHashes, LandingFolder, OwnerFile, OwnerFiles, PartFile } from "../api.ts";
import { hashFile, isSame } from "./content.ts";
import type { Transfer } from "./download.ts";
import { FolderPart } from "./folder_part.ts";
import { localFolder } from "./folder_paths.ts";
import type { OfferedFile } from "./offers.ts";

interface PlaceParts {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
}

function listName(part: string): string {
  return part.replace(/\.part$/, ".list");
}

function treeName(part: string): string {
  return part.replace(/\.part$/, ".folder");
}

/** What is on its way, as far as places go. */
export type Placed = Pick<Transfer, "files" | "at" | "part" | "keepTimes">;

/** The disk as one download sees it. @param transfer As it is now. */
export function placeOf({ disk, hashes }: PlaceParts, transfer: () => Placed): OwnerFiles {
  return {
    openFile: (path) => disk.openFile(path),
    listFolder: (path, options) => disk.listFolder(path, options),
    openInside: (folder, path) => disk.openInside(folder, path),
    openFolder: async (path) => new Place(await disk.openFolder(path), { disk, hashes, transfer }),
  };
}

/** Removes what has not landed. */
export async function removeUnlanded(
  disk: Pick<OwnerFiles, "openFolder">,
  { folder, part }: Pick<Transfer, "folder" | "part">,
): Promise<void> {
  const place = await disk.openFolder(folder);
  await place.removePart(part);
  await place.removePart(listName(part));
  await place.removeFolder(treeName(part));
}

class Place implements LandingFolder {
  readonly #folder: LandingFolder;
  readonly #disk: OwnerFiles;
  readonly #hashes: FileHashes;
  readonly #transfer: () => Placed;

  constructor(folder: LandingFolder, of: PlaceParts & { readonly transfer: () => Placed }) {
    this.#folder = folder;
    this.#disk = of.disk;
    this.#hashes = of.hashes;
    this.#transfer = of.transfer;
  }

  get path(): string {
    return this.#folder.path;
  }

  get #file(): OfferedFile {
    const { files, at } = this.#transfer();
    return files[at]!;
  }

  /** A list has a name of its own, which is nobody's else. */
  async names(): Promise<readonly string[]> {
    return this.#file.kind === "folder" ? [] : await this.#folder.names();
  }

  async openPart(part: string): Promise<PartFile> {
    if (this.#file.kind !== "content") return await this.#folder.openPart(part);
    return await this.#openTree(part, await this.#folder.openFolder(treeName(part)));
  }

  async openLanded(name: string): Promise<OwnerFile | null> {
    const { part } = this.#transfer();
    if (this.#file.kind === "folder") return await this.#folder.openLanded(listName(part));
    if (this.#file.kind === undefined) return await this.#folder.openLanded(name);
    if (await this.#folder.findFolder(treeName(part)) !== null) return null;
    const landed = await this.#folder.findFolder(name);
    if (landed === null) return null;
    return await this.#openTree(part, landed);
  }

  async land(part: string, name: string): Promise<boolean> {
    if (this.#file.kind === undefined) return await this.#folder.land(part, name);
    if (this.#file.kind === "folder") {
      // One of an earlier try is not what was offered, or it would have been taken.
      await this.#folder.removePart(listName(part));
      return await this.#folder.land(part, listName(part));
    }
    if (!await this.#folder.landFolder(treeName(part), name)) return false;
    await this.#folder.removePart(listName(part));
    return true;
  }

  async #openTree(part: string, tree: LandingFolder): Promise<FolderPart> {
    const { keepTimes = false } = this.#transfer();
    const local = localFolder((await this.#readList(part)).entries, { keepTimes });
    return await FolderPart.open(tree, { disk: this.#disk, local });
  }

  /** Anybody may have changed it on disk meanwhile. */
  async #readList(part: string): Promise<FolderManifest> {
    const { files, at } = this.#transfer();
    const [list, content] = [files[at - 1]!, files[at]!];
    const file = await this.#folder.openLanded(listName(part));
    try {
      if (file === null || file.bytes !== list.length || file.bytes > MAX_MANIFEST_BYTES) lost();
      const options = { signal: new AbortController().signal, hashed: () => {} };
      const { root } = await hashFile(this.#hashes, file, options);
      if (root === null || !isSame(root, decodeBase64Url(list.root!)!)) lost();
      const manifest = decodeFolderManifest(await file.read(0, file.bytes));
      const isOffered = manifest.length === content.length && manifest.root === content.root &&
        manifest.entries.length === list.entries;
      if (!isOffered) {
        throw new OpenRedError(
          "unsupported",
          "The peer's list is not that of the folder it offers",
        );
      }
      return manifest;
    } finally {
      file?.close();
    }
  }

  removePart(part: string): Promise<void> {
    return this.#folder.removePart(part);
  }

  openFolder(name: string): Promise<LandingFolder> {
    return this.#folder.openFolder(name);
  }

  findFolder(name: string): Promise<LandingFolder | null> {
    return this.#folder.findFolder(name);
  }

  landFolder(grown: string, name: string): Promise<boolean> {
    return this.#folder.landFolder(grown, name);
  }

  removeFolder(name: string): Promise<void> {
    return this.#folder.removeFolder(name);
  }

  sync(): Promise<void> {
    return this.#folder.sync();
  }

  freeBytes(): Promise<number | null> {
    return this.#folder.freeBytes();
  }
}

function lost(): never {
  throw new OpenRedError("unsupported", "The list of the folder was changed on disk here");
}
