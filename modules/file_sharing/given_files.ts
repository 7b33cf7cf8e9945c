/**
 * Files and folders of the owner's that others are to get, by a share or a link: looked at when it is made, read once
 * before any of it is given.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FILE_BYTES } from "../../protocol/file_frames.ts";
import type { FileHashes, OwnerFiles } from "../api.ts";
import { type ContentId, hashFile } from "./content.ts";

/** Of one file. */
export interface GivenFile {
  readonly path: string;
  readonly name: string;
  readonly length: number;
  /** Base64url; `null` for the empty file, and until it is known. */
  readonly root: string | null;
  /** A folder is two of them: its list, then what its files contain. */
  readonly kind?: "folder" | "content";
  /** What is in the list of a folder, and what was left out of it; 0 until it is known. */
  readonly entries?: number;
  readonly leftOut?: number;
  /** When it was changed last, as the disk said when it was read. */
  readonly modifiedAt?: number;
}

function tooLong(text: string): OpenRedError {
  return new OpenRedError("too_large", text);
}

/**
 * @returns One of a file, two of a folder: its list, then what its files contain.
 * @throws {OpenRedError} `not_found`; `forbidden` for what is neither file nor folder; `too_large`.
 */
export async function lookAt(disk: OwnerFiles, path: string): Promise<readonly GivenFile[]> {
  const name = path.split(/[/\\]/).findLast((part) => part !== "") ?? "folder";
  const one = { path, name, length: 0, root: null };
  if (await disk.openFolder(path).then(() => true, () => false)) {
    return [{ ...one, kind: "folder", entries: 0, leftOut: 0 }, { ...one, kind: "content" }];
  }
  const file = await disk.openFile(path);
  const { bytes } = file;
  file.close();
  if (bytes > MAX_FILE_BYTES) throw tooLong(`Expected files of at most ${MAX_FILE_BYTES} bytes`);
  return [{ ...one, length: bytes }];
}

/**
 * Reads a file to its end.
 * @returns What it contains, and its time, where the disk has one.
 * @throws {OpenRedError} Where it cannot be read, or has changed meanwhile; `too_large`.
 */
export async function hashGiven(
  { disk, hashes }: { readonly disk: OwnerFiles; readonly hashes: FileHashes },
  path: string,
  options: Parameters<typeof hashFile>[2],
): Promise<{ readonly content: ContentId; readonly time: Pick<GivenFile, "modifiedAt"> }> {
  const opened = await disk.openFile(path);
  try {
    if (opened.bytes > MAX_FILE_BYTES) throw tooLong("It grew too long");
    const content = await hashFile(hashes, opened, options);
    const { modifiedMs } = opened;
    return { content, time: modifiedMs === undefined ? {} : { modifiedAt: modifiedMs } };
  } finally {
    opened.close();
  }
}
