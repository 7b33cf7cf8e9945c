/**
 * One accepted offer on its way here: file by file, each chunk checked before it is written. Whatever ends it,
 * it goes on from what is on the disk.
 *
 * @module
 */
import { decodeBase64Url } from "../../crypto/encoding.ts";
import { hasCode } from "../../protocol/errors.ts";
import type { FactorLevel } from "../../protocol/factor_level.ts";
import { FILE_CHUNK_BYTES } from "../../protocol/file_frames.ts";
import type { TransferWay } from "../../protocol/file_sharing_api.ts";
import type { LandingFolder, NodeId, OwnerFiles } from "../api.ts";
import { chunkCount, type ContentId, hashFile, isSame } from "./content.ts";
import {
  checkDisk,
  type Checked,
  fetchChunks,
  type Fetching,
  type FetchingParts,
  fetchLayer,
} from "./fetching.ts";
import type { Landing } from "./landing.ts";
import type { OfferedFile } from "./offers.ts";
import type { Wanted } from "./sources.ts";
import type { Unlocking } from "./unlocking.ts";

/** What is kept of a transfer. */
export interface Transfer {
  readonly share: string;
  readonly files: readonly OfferedFile[];
  readonly folder: string;
  /** Whether files keep their times. */
  readonly keepTimes?: boolean;
  readonly download: string;
  /** What this node's owner has to show first. */
  readonly require?: FactorLevel;
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

export interface DownloadParts extends FetchingParts {
  readonly disk: OwnerFiles;
  readonly landing: Landing;
  readonly unlocking: Pick<Unlocking, "unlock">;
  /** Where else the very same file was offered. */
  readonly alsoAt: (file: OfferedFile, than: NodeId) => readonly Omit<Wanted, "download">[];
}

/** What a download tells, and asks, whoever keeps it. */
export interface DownloadKeeper {
  readonly transfer: Transfer;
  readonly peer: NodeId;
  /** Stays from one try to the next, so that none hashes again what another one has. `null` before the first. */
  checked: Checked | null;
  /** Who gave something wrong. */
  readonly liars: Set<NodeId>;
  /** Durable when it resolves. */
  change(change: Partial<Transfer>): Promise<void>;
  /** So many bytes of the file under way are on disk. */
  reached(bytes: number): void;
  /** How it comes. */
  came(way: TransferWay): void;
  /** Why nothing comes now; `null` where it goes on. */
  waits(why: string | null): void;
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
    await unlock(parts, keeper, signal);
    if (!await hasLanded(parts, keeper, { folder, signal })) {
      await fetchFile(parts, keeper, { folder, signal });
    }
  }
}

/** Has this node's owner show what the peer asks for first; every file of a transfer that goes on for long anew. */
async function unlock(
  { unlocking }: DownloadParts,
  { transfer, peer, waits }: DownloadKeeper,
  signal: AbortSignal,
): Promise<void> {
  const { require, share, download } = transfer;
  if (require === undefined) return;
  waits(`The peer asks you for a factor first (${require}): openred-node auth pending`);
  await unlocking.unlock({ peer, share, download }, signal);
  waits(null);
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
    const { keepTimes = false } = keeper.transfer;
    await growing.finish(content.bytes, keepTimes ? file.modifiedAt : undefined);
    // While it is open, nothing else can land in its place.
    const name = await parts.landing.land(folder, {
      part,
      given: file.name,
      chosen: (name) => keeper.change({ landing: name }),
    });
    await noteLanded(keeper, name);
  } catch (error) {
    // Somebody else has changed it: all of it is hashed again.
    if (hasCode(error, "internal")) keeper.checked = null;
    throw error;
  } finally {
    growing.close();
  }
}

/** What is on disk is hashed while no peer holds a transfer open: in the minutes that can take it would be forgotten. */
async function fetchContent(
  parts: DownloadParts,
  keeper: DownloadKeeper,
  { growing, content, signal }: Pick<Fetching, "growing" | "content" | "signal">,
): Promise<void> {
  const { share, download, at, files } = keeper.transfer;
  const { peer, liars } = keeper;
  const own = { peer, share, file: at };
  const wanted = [own, ...parts.alsoAt(files[at]!, peer)].map((one) => ({ ...one, download }));
  const reached = (bytes: number) => keeper.reached(bytes);
  const came = (way: TransferWay) => keeper.came(way);
  const fetching = { wanted, liars, growing, content, signal, reached, came };
  if (growing.bytes === 0) keeper.checked = { at, have: new Uint8Array(chunkCount(content.bytes)) };
  const whole = { ...fetching, content: await fetchLayer(parts, fetching) };
  if (!isChecked(keeper, whole)) keeper.checked = { at, have: await checkDisk(parts, whole) };
  await fetchChunks(parts, whole, keeper.checked!.have);
}

/** Whether it is known which chunks are missing. */
function isChecked(
  { checked, transfer: { at } }: DownloadKeeper,
  { growing, content }: Pick<Fetching, "growing" | "content">,
): boolean {
  if (checked?.at !== at) return false;
  // Unless somebody has made the part shorter.
  const chunks = checked.have.lastIndexOf(1) + 1;
  return growing.bytes >= Math.min(chunks * FILE_CHUNK_BYTES, content.bytes);
}
