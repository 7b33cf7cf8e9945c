/**
 * The files of a link, read once before it gives any of them.
 *
 * @module
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { FileHashes, OwnerFiles } from "../../api.ts";
import type { ContentId, hashFile } from "../content.ts";
import { hashFolder, listFolder } from "../folder_listing.ts";
import { hashGiven } from "../given_files.ts";
import type { LinkedFile } from "./link.ts";
import type { LinkRows } from "./link_rows.ts";

export interface LinkedFilesParts {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
  readonly rows: LinkRows;
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
  const { content, time } = await hashGiven(parts, linked.path, options);
  return await keep(parts, { link, file, linked: { ...linked, ...time } }, content);
}

async function hashOneFolder(
  parts: LinkedFilesParts,
  { link, file, linked }: One,
  options: Parameters<typeof hashFile>[2],
): Promise<readonly LinkedFile[]> {
  const { disk, hashes, rows } = parts;
  const folder = await listFolder(disk, linked.path, options.signal);
  const made = await hashFolder({ disk, hashes }, folder, options);
  await rows.put({ link, file, part: "list" }, made.manifest);
  const { path, name, tickets } = linked;
  const list = { ...linked, entries: folder.entries.length, leftOut: folder.leftOut };
  const below = { path, name, tickets, length: 0, root: null, kind: "content" } as const;
  return [
    await keep(parts, { link, file, linked: list }, made.list),
    await keep(parts, { link, file: file + 1, linked: below }, made.content),
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
