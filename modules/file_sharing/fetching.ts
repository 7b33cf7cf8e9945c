/**
 * The content of one file on its way here, from one source or several: each gives what nobody else gives at that
 * moment, and one that gives anything wrong gives nothing more.
 *
 * @module
 */
import { hasCode } from "../../protocol/errors.ts";
import { FILE_CHUNK_BYTES } from "../../protocol/file_frames.ts";
import type { FileHashes, ModuleContext, NodeId, PartFile } from "../api.ts";
import { chunkCount, chunkLength, type ContentId, isChunk, isSame } from "./content.ts";
import { Missing } from "./missing.ts";
import { type Source, type SourceSettings, WrongContent } from "./source.ts";
import type { Sources, Wanted } from "./sources.ts";

/** Requests of one file at one source at a time: while one begins, the other fills the line. */
const LANES = 2;

export interface FetchingParts extends Pick<ModuleContext, "log"> {
  readonly hashes: FileHashes;
  readonly sources: Pick<Sources, "during">;
}

/** Which chunks of a file were found right on disk, or written there. */
export interface Checked {
  /** Which file of the transfer. */
  readonly at: number;
  /** Of each chunk 1 where it is there. */
  readonly have: Uint8Array;
}

export interface Fetching {
  /** Where the file is to be had, the best first; at least one. */
  readonly wanted: readonly Wanted[];
  /** Who gave something wrong, and is asked no more. */
  readonly liars: Set<NodeId>;
  readonly growing: PartFile;
  readonly content: ContentId;
  readonly signal: AbortSignal;
  /** So many bytes are on disk. */
  readonly reached: (bytes: number) => void;
  /** How it comes. */
  readonly came: SourceSettings["came"];
}

/**
 * Fetches the roots of the chunks, which are believed only if they make the root of the file.
 * @throws {WrongContent} Where nobody gives any that do.
 * @throws {OpenRedError} As {@linkcode Source.layer}.
 */
export async function fetchLayer(parts: FetchingParts, fetching: Fetching): Promise<ContentId> {
  const { content, signal } = fetching;
  if (chunkCount(content.bytes) < 2) return content;
  return await fromAny(parts, fetching, async (source) => {
    const layer = await source.layer(signal);
    if (layer === null || !isSame(await parts.hashes.layer(layer), content.root!)) {
      throw new WrongContent();
    }
    return { ...content, layer };
  });
}

/** Does work with the first source that can. @throws What the first one failed with that did not lie. */
async function fromAny<T>(
  parts: FetchingParts,
  fetching: Fetching,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const failures: unknown[] = [];
  for (const wanted of honest(fetching)) {
    try {
      return await parts.sources.during(wanted, fetching, work);
    } catch (error) {
      fetching.signal.throwIfAborted();
      failures.push(error);
      drop(parts, fetching, { peer: wanted.peer, error });
    }
  }
  throw worst(failures);
}

function honest({ wanted, liars }: Fetching): readonly Wanted[] {
  return wanted.filter(({ peer }) => !liars.has(peer));
}

/** Whatever can be otherwise the next time comes before a lie, which cannot. */
function worst(failures: readonly unknown[]): unknown {
  return failures.find((error) => !(error instanceof WrongContent)) ?? new WrongContent();
}

function drop(
  { log }: FetchingParts,
  { liars }: Fetching,
  { peer, error }: { readonly peer: NodeId; readonly error: unknown },
): void {
  const why = error instanceof WrongContent ? "wrong content" : String(error);
  if (error instanceof WrongContent) liars.add(peer);
  log.log("warn", "source_dropped", { peer, why });
}

/**
 * Fetches the chunks that are not on disk.
 * @param of `content` with its layer; `have` grows.
 * @throws {OpenRedError} As {@linkcode Source.chunks}, and what the disk says. @throws {WrongContent}
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function fetchChunks(
  parts: FetchingParts,
  fetching: Fetching,
  have: Uint8Array,
): Promise<void> {
  const { content, reached } = fetching;
  const missing = new Missing(content.bytes, have);
  reached(missing.haveBytes);
  const failures = new Map<Wanted, unknown>();
  while (!missing.isWhole) {
    const wanted = honest(fetching).filter((one) => !failures.has(one));
    if (wanted.length === 0) throw worst([...failures.values()]);
    await fetchRound(parts, { ...fetching, wanted }, { missing, failures });
  }
}

/** Every source gives what it can; what one failed with that could not go on is noted. */
async function fetchRound(
  parts: FetchingParts,
  fetching: Fetching,
  { missing, failures }: {
    readonly missing: Missing;
    readonly failures: Map<Wanted, unknown>;
  },
): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([fetching.signal, end.signal]);
  const options = { content: fetching.content, signal, came: fetching.came };
  const work = (source: Source) => runLanes({ ...fetching, signal }, { source, missing });
  await Promise.all(fetching.wanted.map(async (wanted) => {
    try {
      await parts.sources.during(wanted, options, work);
      // Whoever has not begun by then is not needed.
      if (missing.isWhole) end.abort();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof DiskFailure) return end.abort(error);
      failures.set(wanted, error);
      drop(parts, fetching, { peer: wanted.peer, error });
    }
  }));
  fetching.signal.throwIfAborted();
  if (end.signal.reason instanceof DiskFailure) throw end.signal.reason.cause;
}

/** The disk here is no fault of a source. */
class DiskFailure extends Error {
  override readonly name = "DiskFailure";
}

async function runLanes(
  { growing, content, signal, reached }: Fetching,
  { source, missing }: { readonly source: Source; readonly missing: Missing },
): Promise<void> {
  const broken = new AbortController();
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const take = async (chunk: number, data: Uint8Array) => {
    ending.throwIfAborted();
    await growing.write(chunk * FILE_CHUNK_BYTES, data).catch((cause) => {
      throw new DiskFailure("", { cause });
    });
    missing.got(chunk);
    reached(missing.haveBytes);
  };
  const nextSpan = () => broken.signal.aborted || failed.signal.aborted ? null : missing.take();
  const lane = async () => {
    for (let span = nextSpan(); span !== null; span = nextSpan()) {
      try {
        await source.chunks(span, { layer: content.layer, signal: ending, take });
      } finally {
        missing.giveBack(span);
      }
    }
  };
  const lanes = Array.from({ length: LANES }, async () => {
    try {
      await lane();
    } catch (error) {
      // A line that broke is no reason to break the other one, which ends what it has begun.
      const end = hasCode(error, "unreachable") ? broken : failed;
      if (!end.signal.aborted) end.abort(error);
    }
  });
  await Promise.all(lanes);
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  broken.signal.throwIfAborted();
}

/** Hashes what is on disk. @returns Of each chunk whether it is right. */
export async function checkDisk(
  { hashes }: FetchingParts,
  { growing, content, signal, reached }: Fetching,
): Promise<Uint8Array> {
  const have = new Uint8Array(chunkCount(content.bytes));
  let bytes = 0;
  for (let chunk = 0; chunk < have.length; chunk++) {
    signal.throwIfAborted();
    const from = chunk * FILE_CHUNK_BYTES;
    if (growing.bytes <= from) break;
    const length = chunkLength(content.bytes, chunk);
    const data = await growing.read(from, length);
    if (!await isChunk(hashes, content, { chunk, data })) continue;
    have[chunk] = 1;
    bytes += length;
    reached(bytes);
  }
  return have;
}
