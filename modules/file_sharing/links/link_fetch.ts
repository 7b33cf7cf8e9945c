/**
 * Fetching one file of a link into a file that grows here.
 *
 * @module
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import { FILE_CHUNK_BYTES } from "../../../protocol/file_frames.ts";
import type { LinkHead } from "../../../protocol/file_links.ts";
import type { FileHashes, ModuleClock, PartFile, WebBytes } from "../../api.ts";
import { chunkLength, type ContentId, isChunk, isSame } from "../content.ts";
import { pause } from "../pause.ts";
import { type LinkOpeningParts, type OpenedLink, takeTicket } from "./link_opening.ts";
import {
  derivePartKey,
  fromBase64Url,
  layerLength,
  openPiece,
  SEALED_CHUNK_BYTES,
  TAG_BYTES,
} from "./page/link_crypto.js";

const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

export interface LinkFetchParts extends LinkOpeningParts {
  readonly clock: ModuleClock;
  readonly hashes: FileHashes;
}

export interface LinkFile {
  readonly head: LinkHead;
  readonly link: OpenedLink;
  /** Its place in the head. */
  readonly file: number;
  readonly growing: PartFile;
  readonly keepTimes: boolean;
  /** So many bytes are on disk. */
  readonly reached: (bytes: number) => void;
}

/** What is sealed under one key, and who hears of each piece. */
interface Part {
  readonly url: string;
  readonly bytes: number;
  readonly what: Parameters<typeof derivePartKey>[1];
  readonly sealing: Uint8Array<ArrayBuffer>;
  /** Pieces come in order, each once. */
  readonly take: (number: number, content: Uint8Array<ArrayBuffer>) => Promise<void>;
}

/**
 * Fetches it; it is whole and durable when this resolves.
 * @throws {OpenRedError} `bad_signature` where something else comes than the link promises; what the other node refuses
 *   it with; `unreachable` where it gives nothing for long; `overloaded` for the disk here.
 * @throws {DOMException} `AbortError` when `signal` fired.
 */
export async function fetchLinkFile(
  parts: LinkFetchParts,
  { head, link, file, growing, keepTimes, reached }: LinkFile,
  signal: AbortSignal,
): Promise<void> {
  const { length, root: text, modified_at: modifiedMs } = head.files[file]!;
  const ticket = await takeTicket(parts, { link, file }, signal);
  const root = fromBase64Url(text ?? "")!;
  if ((root.length === 0) !== (length === 0)) throw damaged();
  const url = `${link.url}/${ticket}`;
  const shared = { transfer: link.id, root, length };
  const { sealing } = link;
  const { hashes } = parts;
  const layer = layerLength(length) === 0 ? null : new Uint8Array(layerLength(length));
  if (layer !== null) {
    await fetchPart(parts, {
      url: `${url}/layer`,
      bytes: layer.length,
      what: { ...shared, part: "layer" },
      sealing,
      take: (number, piece) => Promise.resolve(layer.set(piece, number * FILE_CHUNK_BYTES)),
    }, signal);
    if (!isSame(await hashes.layer(layer.slice()), root)) throw damaged();
  }
  const content: ContentId = { bytes: length, root, layer };
  await fetchPart(parts, {
    url: `${url}/data`,
    bytes: length,
    what: { ...shared, part: file },
    sealing,
    take: async (number, data) => {
      // What is hashed is given away.
      if (!await isChunk(hashes, content, { chunk: number, data: data.slice() })) throw damaged();
      await growing.write(number * FILE_CHUNK_BYTES, data);
      reached(number * FILE_CHUNK_BYTES + data.length);
    },
  }, signal);
  await growing.finish(length, keepTimes ? modifiedMs : undefined);
}

function damaged(): OpenRedError {
  return new OpenRedError("bad_signature", "Something else came than the link promises");
}

/** Goes on where it broke off. */
async function fetchPart(parts: LinkFetchParts, part: Part, signal: AbortSignal): Promise<void> {
  const count = Math.ceil(part.bytes / FILE_CHUNK_BYTES);
  const key = await derivePartKey(part.sealing, part.what);
  let number = 0;
  for (let tries = 0; number < count;) {
    try {
      const from = number * SEALED_CHUNK_BYTES;
      const answer = await parts.web.bytes({ url: part.url, from, signal });
      try {
        checkStatus(answer);
        for (; number < count; number++) {
          const sealed = await readWhole(answer, chunkLength(part.bytes, number) + TAG_BYTES);
          const content = await openPiece(key, part.what, { number, sealed });
          if (content === null) throw damaged();
          await part.take(number, content);
          tries = 0;
        }
      } finally {
        answer.close();
      }
    } catch (error) {
      const isPassing = error instanceof OpenRedError && error.code === "unreachable";
      tries += 1;
      if (!isPassing || tries >= MAX_TRIES) throw error;
      await pause(parts.clock, Math.min(FIRST_PAUSE_MS * 2 ** tries, MAX_PAUSE_MS), signal);
      signal.throwIfAborted();
    }
  }
}

function checkStatus({ status }: WebBytes): void {
  if (status === 200 || status === 206) return;
  if (status === 404 || status === 410) {
    throw new OpenRedError("link_over", "The link does not give the file any more");
  }
  throw new OpenRedError("unreachable", "The other node is busy");
}

async function readWhole(answer: WebBytes, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes);
  for (let at = 0; at < bytes;) {
    const count = await answer.read(whole.subarray(at));
    if (count === null) throw new OpenRedError("unreachable", "The answer broke off");
    at += count;
  }
  return whole;
}
