/**
 * What a ticket of a link gives: a file and the hashes of its chunks, sealed while they leave.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { decodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { FILE_CHUNK_BYTES } from "../../../protocol/file_frames.ts";
import type { FileHashes, ModuleClock, OwnerFile, PublicAnswer } from "../../api.ts";
import { chunkLength, type ContentId, isChunk } from "../content.ts";
import { nameOfPart, type SharedDisk } from "../shared_disk.ts";
import { isOver, type Link, type LinkedFile, rootOf } from "./link.ts";
import type { Links } from "./links.ts";
import {
  derivePartKey,
  layerLength,
  SEALED_CHUNK_BYTES,
  sealedLength,
  sealPiece,
} from "./page/link_crypto.js";

/** Who asks for more is not fetching. */
const MAX_TIMES = 3;
const ALLOWANCE_BYTES = 16 * SEALED_CHUNK_BYTES;
const MAX_AT_ONCE = 4;
const MAX_STREAMS = 64;
const FORGET_MS = 86_400_000;
const RANGE = /^bytes=(\d{1,15})-(\d{0,15})$/;

export type LinkPart = "layer" | "data";

export interface LinkStreamParts {
  readonly clock: Pick<ModuleClock, "monotonicMs">;
  readonly hashes: FileHashes;
  readonly links: Links;
  /** The disk as links see it. */
  readonly folders: SharedDisk;
}

/** What a ticket still gives, since this node started. */
interface Spending {
  leftBytes: number;
  open: number;
  usedMs: number;
}

/** What is asked for. */
export interface LinkRead {
  readonly link: string;
  readonly ticket: string;
  readonly part: LinkPart;
  /** A `Range` header, or none. */
  readonly range: string | undefined;
}

/** Where its pieces come from. */
interface Pieces {
  readonly what: Parameters<typeof derivePartKey>[1];
  /** Checked, whenever one is asked for. @returns `null` where it is not what it was. */
  read(number: number): Promise<Uint8Array<ArrayBuffer> | null>;
  close(): void;
}

/** The streams of one node. */
export class LinkStreams {
  readonly #parts: LinkStreamParts;
  readonly #spent = new Map<string, Spending>();
  #open = 0;

  constructor(parts: LinkStreamParts) {
    this.#parts = parts;
  }

  /**
   * Answers a request for sealed pieces.
   * @throws {OpenRedError} `not_found`, `link_over`; `rate_limited` beyond the ticket's budget; `overloaded`.
   */
  async read({ link, ticket, part, range }: LinkRead): Promise<PublicAnswer> {
    const { held, file } = this.#parts.links.ticket(link, ticket);
    const { length } = held.value.files[file]!;
    const plain = part === "data" ? length : layerLength(length);
    const total = sealedLength(plain);
    const wanted = rangeOf(range, total);
    if (wanted === null) {
      return {
        status: 416,
        headers: { "content-range": `bytes */${total}` },
        body: new Uint8Array(),
      };
    }
    const both = sealedLength(length) + sealedLength(layerLength(length));
    const spending = this.#enter(ticket, MAX_TIMES * both + ALLOWANCE_BYTES);
    const leave = () => {
      this.#open -= 1;
      spending.open -= 1;
    };
    try {
      const pieces = await this.#piecesOf({ id: held.id, value: held.value, file }, part);
      return answerOf(
        { ...wanted, total },
        this.#streamOf({ link, ticket, ...wanted }, {
          pieces,
          sealing: held.value.sealing,
          id: held.id,
          spending,
          leave,
        }),
      );
    } catch (error) {
      leave();
      throw error;
    }
  }

  #enter(ticket: string, budget: number): Spending {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [key, { open, usedMs }] of this.#spent) {
      if (open === 0 && nowMs - usedMs > FORGET_MS) this.#spent.delete(key);
    }
    const spending = this.#spent.get(ticket) ?? { leftBytes: budget, open: 0, usedMs: nowMs };
    if (spending.leftBytes <= 0) throw allGiven();
    if (spending.open >= MAX_AT_ONCE || this.#open >= MAX_STREAMS) {
      throw new OpenRedError("overloaded", "Too many downloads are under way here", {
        retryAfterMs: 2_000,
      });
    }
    this.#spent.set(ticket, spending);
    spending.open += 1;
    spending.usedMs = nowMs;
    this.#open += 1;
    return spending;
  }

  async #piecesOf(
    { id, value, file }: { id: string; value: Link; file: number },
    part: LinkPart,
  ): Promise<Pieces> {
    const { links, hashes } = this.#parts;
    const linked = value.files[file]!;
    const root = rootOf(linked);
    const { length } = linked;
    const what = { transfer: decodeBase64Url(value.link)!, root, length };
    const layer = layerLength(length) === 0
      ? null
      : await links.rows.get({ link: id, file, part: "layer" }, layerLength(length));
    if (part === "layer") {
      const read = (number: number) =>
        Promise.resolve(
          layer?.slice(number * FILE_CHUNK_BYTES, (number + 1) * FILE_CHUNK_BYTES) ?? null,
        );
      return { what: { ...what, part: "layer" }, read, close: () => {} };
    }
    const opened = await this.#openFile({ id, file, linked }).catch(async () => {
      await links.fail(id, "A file is not there any more");
      throw isOver("failed");
    });
    const content = { bytes: length, root: root.length === 0 ? null : root, layer };
    return {
      what: { ...what, part: file },
      read: (number) => readChunk(hashes, opened, { content, number }),
      close: () => opened.close(),
    };
  }

  async #openFile(
    { id, file, linked }: { id: string; file: number; linked: LinkedFile },
  ): Promise<OwnerFile> {
    const { links, folders } = this.#parts;
    const { path, kind, length } = linked;
    if (kind === "folder") return links.rows.open({ link: id, file, part: "list" }, length);
    if (kind === undefined) return await folders.openFile(path);
    return await folders.openFile(nameOfPart({ share: id, file: file - 1, kind }, path));
  }

  #streamOf(
    read: { link: string; ticket: string; start: number; end: number },
    of: { pieces: Pieces; sealing: string; id: string; spending: Spending; leave: () => void },
  ): ReadableStream<Uint8Array> {
    const { links } = this.#parts;
    const { pieces, id, spending } = of;
    const key = derivePartKey(decodeBase64Url(of.sealing)!, pieces.what);
    let number = read.start / SEALED_CHUNK_BYTES;
    const over = () => {
      pieces.close();
      of.leave();
    };
    return new ReadableStream({
      async pull(controller) {
        if (number * SEALED_CHUNK_BYTES >= read.end) {
          over();
          return controller.close();
        }
        try {
          links.ticket(read.link, read.ticket);
          const content = await pieces.read(number);
          if (content === null) {
            await links.fail(id, "A file has changed since it was shared");
            throw isOver("failed");
          }
          // The very bytes that were checked: no number ever seals two contents.
          const sealed = await sealPiece(await key, pieces.what, { number, content });
          spending.leftBytes -= sealed.length;
          if (spending.leftBytes < 0) throw allGiven();
          controller.enqueue(sealed);
          number += 1;
        } catch (error) {
          over();
          throw error;
        }
      },
      cancel: over,
    }, { highWaterMark: 0 });
  }
}

function allGiven(): OpenRedError {
  return new OpenRedError("rate_limited", "The ticket has given all that it gives");
}

async function readChunk(
  hashes: FileHashes,
  file: OwnerFile,
  { content, number }: { readonly content: ContentId; readonly number: number },
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const length = chunkLength(content.bytes, number);
    const data = await file.read(number * FILE_CHUNK_BYTES, length);
    // What is hashed is given away.
    const isIt = await isChunk(hashes, content, { chunk: number, data: data.slice() });
    return isIt ? data : null;
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    return null;
  }
}

/** @returns `null` for a range that does not begin and end where pieces do. */
function rangeOf(header: string | undefined, total: number): { start: number; end: number } | null {
  if (header === undefined) return { start: 0, end: total };
  const match = RANGE.exec(header);
  if (match === null) return null;
  const start = Number(match[1]);
  const end = match[2] === "" ? total : Number(match[2]) + 1;
  const isWhole = start % SEALED_CHUNK_BYTES === 0 &&
    (end === total || end % SEALED_CHUNK_BYTES === 0);
  return isWhole && start < end && end <= total ? { start, end } : null;
}

function answerOf(
  { start, end, total }: { start: number; end: number; total: number },
  parts: ReadableStream<Uint8Array>,
): PublicAnswer {
  const body = { bytes: end - start, parts };
  if (end - start === total) return { body };
  return {
    status: 206,
    headers: { "content-range": `bytes ${start}-${end - 1}/${total}` },
    body,
  };
}
