/**
 * One accepted offer on its way here: file by file, chunk by chunk, each checked before it is written. Whatever ends it,
 * it goes on from what is on the disk.
 *
 * @module
 */
import { decodeBase64Url } from "../../crypto/encoding.ts";
import {
  FILE_CHUNK_BYTES,
  FILE_PIECE_BYTES,
  type FilePart,
  partLength,
} from "../../protocol/file_frames.ts";
import type { FileHashes, LandingFolder, NodeId, OwnerFiles, PartFile } from "../api.ts";
import { chunkCount, chunkLength, type ContentId, hashFile, isChunk, isSame } from "./content.ts";
import type { Landing } from "./landing.ts";
import type { OfferedFile } from "./offers.ts";
import type { Source, Sources } from "./sources.ts";

/** How many chunks of one transfer are asked for before the first has come. */
const AHEAD = 4;

/** What is kept of a transfer. */
export interface Transfer {
  readonly share: string;
  readonly files: readonly OfferedFile[];
  readonly folder: string;
  readonly download: string;
  readonly state: "running" | "paused" | "done" | "failed" | "cancelled";
  readonly why: string | null;
  /** The file that is under way. */
  readonly at: number;
  /** The name under which it grows. */
  readonly part: string;
  /** The name that it was about to get. */
  readonly landing: string | null;
  readonly landed: readonly string[];
}

/** Content that is not what was offered: nothing more of this transfer is believed. */
export class WrongContent extends Error {
  override readonly name = "WrongContent";
}

export interface DownloadParts {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
  readonly sources: Sources;
  readonly landing: Landing;
}

/** How many chunks of a file, from the first on, were found right on disk, or written there. */
export interface Checked {
  /** Which file of the transfer. */
  readonly at: number;
  readonly chunks: number;
}

/** What a download tells, and asks, whoever keeps it. */
export interface DownloadKeeper {
  readonly transfer: Transfer;
  readonly peer: NodeId;
  /** Stays from one try to the next, so that none hashes again what another one has. `null` before the first. */
  checked: Checked | null;
  /** Durable when it resolves. */
  change(change: Partial<Transfer>): Promise<void>;
  /** So many bytes of the file under way are on disk. */
  reached(bytes: number): void;
}

/**
 * Fetches all that is left of a transfer.
 * @throws {OpenRedError} `unreachable` and `rate_limited` where it can go on later; `overloaded` for the disk here, or a
 *   peer that is busy; whatever else ends it.
 * @throws {WrongContent}
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function download(
  parts: DownloadParts,
  keeper: DownloadKeeper,
  signal: AbortSignal,
): Promise<void> {
  const folder = await parts.disk.openFolder(keeper.transfer.folder);
  while (keeper.transfer.at < keeper.transfer.files.length) {
    signal.throwIfAborted();
    keeper.reached(0);
    if (!await hasLanded(parts, keeper, { folder, signal })) {
      await fetchFile(parts, keeper, { folder, signal });
    }
  }
}

interface Place {
  readonly folder: LandingFolder;
  readonly signal: AbortSignal;
}

function currentFile({ transfer }: DownloadKeeper): { file: OfferedFile; content: ContentId } {
  const file = transfer.files[transfer.at]!;
  const root = file.root === null ? null : decodeBase64Url(file.root);
  return { file, content: { bytes: file.length, root, layer: null } };
}

async function noteLanded(keeper: DownloadKeeper, name: string): Promise<void> {
  const { at, landed } = keeper.transfer;
  await keeper.change({ at: at + 1, landing: null, landed: [...landed, name] });
}

/** Whether a file got its name just before an earlier run ended. */
async function hasLanded(
  { hashes }: DownloadParts,
  keeper: DownloadKeeper,
  { folder, signal }: Place,
): Promise<boolean> {
  const { landing, part } = keeper.transfer;
  if (landing === null) return false;
  const { content } = currentFile(keeper);
  const file = await folder.openLanded(landing);
  if (file === null) return false;
  try {
    if (file.bytes !== content.bytes) return false;
    const { root } = await hashFile(hashes, file, { signal, hashed: () => {} });
    if (root !== null && !isSame(root, content.root!)) return false;
  } finally {
    file.close();
  }
  await folder.removePart(part);
  await noteLanded(keeper, landing);
  return true;
}

async function fetchFile(
  parts: DownloadParts,
  keeper: DownloadKeeper,
  { folder, signal }: Place,
): Promise<void> {
  const { file, content } = currentFile(keeper);
  const { part } = keeper.transfer;
  const growing = await folder.openPart(part);
  try {
    if (content.bytes > 0) await fetchContent(parts, keeper, { growing, content, signal });
    await growing.finish(content.bytes);
  } finally {
    growing.close();
  }
  const name = await parts.landing.land(folder, {
    part,
    given: file.name,
    chosen: (name) => keeper.change({ landing: name }),
  });
  await noteLanded(keeper, name);
}

/** What is on disk is hashed while the peer holds no transfer open: in the minutes that can take it would forget it. */
async function fetchContent(
  parts: DownloadParts,
  keeper: DownloadKeeper,
  { growing, content, signal }: Omit<Filling, "source">,
): Promise<void> {
  const { share, download, at } = keeper.transfer;
  const wanted = { peer: keeper.peer, share, file: at, download };
  if (growing.bytes === 0) keeper.checked = { at, chunks: 0 };
  let whole = content;
  const isFilled = await parts.sources.during(wanted, signal, async (source) => {
    whole = await withLayer(parts, { source, content, signal });
    if (!isChecked(keeper, { growing, content })) return false;
    await fill(parts, keeper, { source, growing, content: whole, signal });
    return true;
  });
  if (isFilled) return;
  await checkDisk(parts.hashes, keeper, { growing, content: whole, signal });
  await parts.sources.during(
    wanted,
    signal,
    (source) => fill(parts, keeper, { source, growing, content: whole, signal }),
  );
}

/** Fetches the roots of the chunks, which are believed only if they make the root of the file. */
async function withLayer(
  { hashes }: DownloadParts,
  { source, content, signal }: { source: Source; content: ContentId; signal: AbortSignal },
): Promise<ContentId> {
  const length = partLength("layer", content.bytes);
  if (length === 0) return content;
  const layer = new Uint8Array(length);
  for (let at = 0; at < length; at += FILE_PIECE_BYTES) {
    const what = { part: "layer" as FilePart, at, length: Math.min(FILE_PIECE_BYTES, length - at) };
    layer.set(await source.read(what, signal), at);
  }
  if (isSame(await hashes.layer(layer), content.root!)) return { ...content, layer };
  throw new WrongContent();
}

interface Filling {
  readonly source: Source;
  readonly growing: PartFile;
  readonly content: ContentId;
  readonly signal: AbortSignal;
}

/** Fetches the chunks that are not on disk. */
async function fill(
  { hashes }: DownloadParts,
  keeper: DownloadKeeper,
  { source, growing, content, signal }: Filling,
): Promise<void> {
  const { bytes } = content;
  const { at } = keeper.transfer;
  const first = keeper.checked!.chunks;
  keeper.reached(Math.min(first * FILE_CHUNK_BYTES, bytes));
  const end = new AbortController();
  const ending = AbortSignal.any([signal, end.signal]);
  const underWay: Promise<Arrived>[] = [];
  let next = first;
  try {
    for (let chunk = first; chunk < chunkCount(bytes); chunk++) {
      while (next < chunkCount(bytes) && underWay.length < AHEAD) {
        underWay.push(arrival(source, { chunk: next++, bytes }, ending));
      }
      const { data, leave } = await underWay.shift()!;
      try {
        if (!await isChunk(hashes, content, { chunk, data })) throw new WrongContent();
        signal.throwIfAborted();
        await growing.write(chunk * FILE_CHUNK_BYTES, data);
        keeper.checked = { at, chunks: chunk + 1 };
      } finally {
        leave();
      }
      keeper.reached(chunk * FILE_CHUNK_BYTES + data.length);
    }
  } finally {
    end.abort();
    for (const left of await Promise.allSettled(underWay)) {
      if (left.status === "fulfilled") left.value.leave();
    }
  }
}

interface Arrived {
  readonly data: Uint8Array;
  /** Gives back its room in the window. */
  readonly leave: () => void;
}

function arrival(
  source: Source,
  { chunk, bytes }: { readonly chunk: number; readonly bytes: number },
  signal: AbortSignal,
): Promise<Arrived> {
  const arrived = (async () => {
    const leave = await source.window.enter(signal);
    try {
      const at = chunk * FILE_CHUNK_BYTES;
      const length = chunkLength(bytes, chunk);
      return { data: await source.read({ part: "data", at, length }, signal), leave };
    } catch (error) {
      leave();
      throw error;
    }
  })();
  // It is waited for in its turn; what fails before that is heard then.
  arrived.catch(() => undefined);
  return arrived;
}

/** Whether it is known from where on chunks are missing. */
function isChecked(
  { checked, transfer: { at } }: DownloadKeeper,
  { growing, content }: Pick<Filling, "growing" | "content">,
): boolean {
  if (checked?.at !== at) return false;
  // Unless somebody has made the part shorter.
  return growing.bytes >= Math.min(checked.chunks * FILE_CHUNK_BYTES, content.bytes);
}

/** Hashes what is on disk, up to the first chunk that is not right. */
async function checkDisk(
  hashes: FileHashes,
  keeper: DownloadKeeper,
  { growing, content, signal }: Omit<Filling, "source">,
): Promise<void> {
  const count = chunkCount(content.bytes);
  let chunks = 0;
  for (; chunks < count; chunks++) {
    signal.throwIfAborted();
    const from = chunks * FILE_CHUNK_BYTES;
    if (growing.bytes <= from) break;
    const data = await growing.read(from, chunkLength(content.bytes, chunks));
    if (!await isChunk(hashes, content, { chunk: chunks, data })) break;
    keeper.reached(from + data.length);
  }
  keeper.checked = { at: keeper.transfer.at, chunks };
}
