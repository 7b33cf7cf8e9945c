/**
 * A folder of the owner's, read once to be shared.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FILE_BYTES, MAX_FOLDER_ENTRIES } from "../../protocol/file_frames.ts";
import {
  encodeFolderManifest,
  isEntryPath,
  type ManifestEntry,
  MAX_ENTRY_PATH_BYTES,
  sortEntries,
} from "../../protocol/folder_manifest.ts";
import type { FileHashes, OwnerFiles } from "../api.ts";
import { type ContentId, hashFile } from "./content.ts";
import { FolderSource } from "./folder_source.ts";
import { memoryFile } from "./shared_disk.ts";

export interface ListedFolder {
  readonly root: string;
  readonly entries: readonly ManifestEntry[];
  /** Of all files. */
  readonly bytes: number;
  /** Links and special files. */
  readonly leftOut: number;
}

/** @throws {OpenRedError} `too_large`, `not_found`, `forbidden`. */
export async function listFolder(
  disk: OwnerFiles,
  path: string,
  signal: AbortSignal,
): Promise<ListedFolder> {
  const listing = await disk.listFolder(path, { maxEntries: MAX_FOLDER_ENTRIES, signal });
  if (listing === null) throw new OpenRedError("not_found", "The folder is not there any more");
  const { path: root } = await disk.openFolder(path);
  const filled = new Set(listing.entries.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
  const entries = listing.entries.filter(({ path, bytes }) => bytes !== null || !filled.has(path));
  if (!entries.every(({ path }) => isEntryPath(path))) {
    throw new OpenRedError("too_large", `Expected paths of at most ${MAX_ENTRY_PATH_BYTES} bytes`);
  }
  const bytes = entries.reduce((sum, entry) => sum + (entry.bytes ?? 0), 0);
  if (bytes > MAX_FILE_BYTES) {
    throw new OpenRedError("too_large", `Expected folders of at most ${MAX_FILE_BYTES} bytes`);
  }
  return {
    root,
    entries: sortEntries(entries.map(({ path, bytes, modifiedMs }) => ({
      path,
      length: bytes,
      ...(modifiedMs === undefined ? {} : { modifiedAt: modifiedMs }),
    }))),
    bytes,
    leftOut: listing.leftOut,
  };
}

export interface HashedFolder {
  /** Of what its files contain. */
  readonly content: ContentId;
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** Of the manifest. */
  readonly list: ContentId;
}

/** @throws {OpenRedError} Where a file cannot be read, or has changed meanwhile; `too_large`. */
export async function hashFolder(
  { disk, hashes }: { readonly disk: OwnerFiles; readonly hashes: FileHashes },
  { root, entries }: ListedFolder,
  options: Parameters<typeof hashFile>[2],
): Promise<HashedFolder> {
  const files = entries.flatMap(({ path, length }) => length === null ? [] : [{ path, length }]);
  const source = new FolderSource(disk, { root, files });
  try {
    const content = await hashFile(hashes, source, options);
    const manifest = encodeFolderManifest({
      length: content.bytes,
      root: content.root === null ? null : encodeBase64Url(content.root),
      entries,
    });
    const quiet = { ...options, hashed: () => {} };
    return { content, manifest, list: await hashFile(hashes, memoryFile(manifest), quiet) };
  } finally {
    source.close();
  }
}
