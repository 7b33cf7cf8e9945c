/**
 * The files of a link, looked at when it is made, and read once before it gives any of them.
 *
 * @module
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MAX_FILE_BYTES } from "../../../protocol/file_frames.ts";
import type { FileHashes, OwnerFiles } from "../../api.ts";
import { type ContentId, hashFile } from "../content.ts";
import { hashFolder, listFolder } from "../folder_listing.ts";
import { memoryFile } from "../shared_disk.ts";
import type { LinkedFile } from "./link.ts";
import type { LinkRows } from "./link_rows.ts";

export interface LinkedFilesParts {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
  readonly rows: LinkRows;
}

/** @returns One of a file, two of a folder: its list, then what its files contain. */
export async function lookAt(disk: OwnerFiles, path: string): Promise<readonly LinkedFile[]> {
  const name = path.split(/[/\\]/).findLast((part) => part !== "") ?? "folder";
  const one = { path, name, length: 0, root: null, tickets: [] };
  if (await disk.openFolder(path).then(() => true, () => false)) {
    return [{ ...one, kind: "folder", entries: 0, leftOut: 0 }, { ...one, kind: "content" }];
  }
  const file = await disk.openFile(path);
  const { bytes } = file;
  file.close();
  if (bytes > MAX_FILE_BYTES) {
    throw new OpenRedError("too_large", `Expected files of at most ${MAX_FILE_BYTES} bytes`);
  }
  return [{ ...one, length: bytes }];
}

interface Hashed {
  /** As the owner knows the link. */
  readonly link: string;
  readonly files: readonly LinkedFile[];
}

/** @throws {OpenRedError} Where one cannot be read, or has changed meanwhile. */
export async function hashLinked(
  parts: LinkedFilesParts,
  { link, files }: Hashed,
  { signal, hashed }: Parameters<typeof hashFile>[2],
): Promise<readonly LinkedFile[]> {
  const all: LinkedFile[] = [];
  let before = 0;
  const options = { signal, hashed: (bytes: number) => hashed(before + bytes) };
  for (const [file, linked] of files.entries()) {
    // It was hashed with the list of its folder.
    if (linked.kind === "content") continue;
    const one = { link, file, linked };
    const done = linked.kind === "folder"
      ? await hashOneFolder(parts, one, options)
      : [await hashOne(parts, one, options)];
    all.push(...done);
    before += done.reduce((sum, { length }) => sum + length, 0);
  }
  return all;
}

interface One {
  readonly link: string;
  readonly file: number;
  readonly linked: LinkedFile;
}

async function hashOne(
  parts: LinkedFilesParts,
  { link, file, linked }: One,
  options: Parameters<typeof hashFile>[2],
): Promise<LinkedFile> {
  const opened = await parts.disk.openFile(linked.path);
  try {
    if (opened.bytes > MAX_FILE_BYTES) throw new OpenRedError("too_large", "It grew too long");
    const content = await hashFile(parts.hashes, opened, options);
    const { modifiedMs } = opened;
    const time = modifiedMs === undefined ? {} : { modifiedAt: modifiedMs };
    return await keep(parts, { link, file, linked: { ...linked, ...time } }, content);
  } finally {
    opened.close();
  }
}

async function hashOneFolder(
  parts: LinkedFilesParts,
  { link, file, linked }: One,
  options: Parameters<typeof hashFile>[2],
): Promise<readonly LinkedFile[]> {
  const { disk, hashes, rows } = parts;
  const folder = await listFolder(disk, linked.path, options.signal);
  const { content, manifest } = await hashFolder({ disk, hashes }, folder, options);
  const quiet = { ...options, hashed: () => {} };
  const ofList = await hashFile(hashes, memoryFile(manifest), quiet);
  await rows.put({ link, file, part: "list" }, manifest);
  const { path, name, tickets } = linked;
  const list = { ...linked, entries: folder.entries.length, leftOut: folder.leftOut };
  const below = { path, name, tickets, length: 0, root: null, kind: "content" } as const;
  return [
    await keep(parts, { link, file, linked: list }, ofList),
    await keep(parts, { link, file: file + 1, linked: below }, content),
  ];
}

async function keep(
  { rows }: LinkedFilesParts,
  { link, file, linked }: One,
  { bytes, root, layer }: ContentId,
): Promise<LinkedFile> {
  if (layer !== null) await rows.put({ link, file, part: "layer" }, layer);
  return { ...linked, length: bytes, root: root === null ? null : encodeBase64Url(root) };
}
