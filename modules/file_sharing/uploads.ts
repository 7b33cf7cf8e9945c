/**
 * Files on their way out: whoever may fetch one asks for a chunk at a time, and gets it once it is still what it was
 * when it was shared.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  type EndReason,
  FILE_CHUNK_BYTES,
  FILE_PIECE_BYTES,
  type FilePart,
  partLength,
  readBytes,
  readHeaderSchema,
  requestHeaderSchema,
} from "../../protocol/file_frames.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type {
  CallAnswer,
  FileHashes,
  ModuleContext,
  NodeId,
  OwnerFile,
  OwnerFiles,
  PeerFrame,
} from "../api.ts";
import { isChunk } from "./content.ts";
import { END, PIECE } from "./manifest.ts";
import type { Fetchable, Shares } from "./shares.ts";

const ID_BYTES = 16;
const MAX_OF_PEER = 64;
const MAX_UPLOADS = 1_024;
/** Reads of one peer that wait for their turn; a receiver has far fewer under way. */
const MAX_QUEUED = 64;
const IDLE_MS = 120_000;
/** Lost pieces are asked for again; who asks for more than that is not fetching. */
const MAX_TIMES = 3;
const ALLOWANCE_BYTES = 16 * FILE_CHUNK_BYTES;

/** What was asked for. */
interface Read {
  readonly transfer: string;
  readonly part: FilePart;
  readonly at: number;
}

/** One transfer, as its sender knows it; in memory only. */
interface Upload {
  readonly id: string;
  readonly peer: NodeId;
  readonly from: Fetchable;
  readonly download: string;
  readonly file: OwnerFile;
  readonly name: string;
  usedMs: number;
  sentBytes: number;
  /** How far the receiver has come, as far as it can be seen from here. */
  reachedBytes: number;
}

/** What the owner sees of one. */
export interface UploadView {
  readonly id: string;
  readonly peer: NodeId;
  readonly name: string;
  readonly bytes: number;
  readonly reachedBytes: number;
}

export interface UploadParts
  extends Pick<ModuleContext, "clock" | "random" | "send" | "metrics" | "log"> {
  readonly disk: Pick<OwnerFiles, "openFile">;
  readonly hashes: FileHashes;
  readonly shares: Shares;
}

/** The uploads of one node. */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #uploads = new Map<string, Upload>();
  readonly #queues = new Map<NodeId, Read[]>();
  #cancelSweep: (() => void) | null = null;
  #isStopped = false;

  constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelSweep?.();
    for (const upload of [...this.#uploads.values()]) this.#drop(upload);
  }

  views(): readonly UploadView[] {
    return [...this.#uploads.values()].map(({ id, peer, name, from, reachedBytes }) => ({
      id,
      peer,
      name,
      bytes: from.content.bytes,
      reachedBytes,
    }));
  }

  /**
   * Answers the call that begins a transfer.
   * @throws {OpenRedError} `bad_request`; `not_found` for whatever is not shared with this peer now; `overloaded`.
   */
  async request({ peer, header }: PeerFrame): Promise<CallAnswer> {
    const wanted = parseInput(requestHeaderSchema, header);
    this.#makeRoom(peer);
    const { shares, disk, random, clock } = this.#parts;
    const from = await shares.fetchable(peer, wanted);
    const file = await disk.openFile(from.path).catch(async (cause) => {
      await shares.fail(from.id, "A file is not there any more");
      throw new OpenRedError("not_found", "No such file is shared with this peer", { cause });
    });
    this.#dropFormer({ peer, from, download: wanted.download });
    const id = encodeBase64Url(random.bytes(ID_BYTES));
    const name = from.path.split(/[/\\]/).at(-1) ?? "";
    this.#uploads.set(id, {
      id,
      peer,
      from,
      download: wanted.download,
      file,
      name,
      usedMs: clock.monotonicMs(),
      sentBytes: 0,
      reachedBytes: 0,
    });
    this.#sweepLater();
    return { header: { transfer: id } };
  }

  /** A download goes on in one transfer. */
  #dropFormer({ peer, from, download }: Pick<Upload, "peer" | "from" | "download">): void {
    for (const upload of [...this.#uploads.values()]) {
      const { id, file } = upload.from;
      if (upload.peer !== peer || upload.download !== download) continue;
      if (id === from.id && file === from.file) this.#drop(upload);
    }
  }

  /** A peer that begins anew leaves its former transfers behind: the one idle for longest gives way. */
  #makeRoom(peer: NodeId): void {
    const ofPeer = [...this.#uploads.values()].filter((upload) => upload.peer === peer);
    if (ofPeer.length >= MAX_OF_PEER) {
      this.#drop(ofPeer.reduce((a, b) => a.usedMs <= b.usedMs ? a : b));
    } else if (this.#uploads.size >= MAX_UPLOADS) {
      throw new OpenRedError("overloaded", "Too many transfers are under way here");
    }
  }

  /** Takes a frame that asks for a part of a file. */
  read({ peer, header }: PeerFrame): Promise<boolean> {
    const read = parseInput(readHeaderSchema, header);
    const queue = this.#queues.get(peer);
    if (queue === undefined) {
      const first = [read];
      this.#queues.set(peer, first);
      this.#drain(peer, first);
    } else if (queue.length < MAX_QUEUED) queue.push(read);
    else this.#parts.metrics.count("reads_dropped");
    return Promise.resolve(false);
  }

  async #drain(peer: NodeId, queue: Read[]): Promise<void> {
    try {
      for (let read = queue.shift(); read !== undefined; read = queue.shift()) {
        if (this.#isStopped) return;
        await this.#take(peer, read);
      }
    } finally {
      // In the same turn as the last look at it: what comes later begins a queue of its own.
      this.#queues.delete(peer);
    }
  }

  /** A read that fails takes none of those behind it along. */
  async #take(peer: NodeId, read: Read): Promise<void> {
    try {
      const upload = this.#uploads.get(read.transfer);
      if (upload === undefined || upload.peer !== peer) {
        this.#tellEnd(peer, { transfer: read.transfer, reason: "unknown" });
      } else await this.#answer(upload, read);
    } catch (error) {
      this.#parts.log.log("error", "upload_failed", { text: String(error) });
    }
  }

  async #answer(upload: Upload, { part, at }: Read): Promise<void> {
    const { clock, shares } = this.#parts;
    const { bytes } = upload.from.content;
    const length = partLength(part, bytes);
    if (at >= length || at % readBytes(part) !== 0) return;
    upload.usedMs = clock.monotonicMs();
    if (!shares.isOpen(upload.from.id)) return this.#end(upload, "gone");
    const count = Math.min(readBytes(part), length - at);
    upload.sentBytes += count;
    if (upload.sentBytes > MAX_TIMES * bytes + ALLOWANCE_BYTES) return this.#end(upload, "gone");
    const content = part === "layer"
      ? upload.from.content.layer!.subarray(at, at + count)
      : await this.#chunk(upload, at, count);
    if (!this.#uploads.has(upload.id)) return;
    if (content === null) return await this.#changed(upload);
    this.#sendPieces(upload, { part, at, content });
    if (part === "data") upload.reachedBytes = Math.max(upload.reachedBytes, at + count);
  }

  /** @returns `null` where it is not what was shared any more. */
  async #chunk(upload: Upload, at: number, length: number): Promise<Uint8Array | null> {
    try {
      const data = await upload.file.read(at, length);
      const chunk = at / FILE_CHUNK_BYTES;
      const isWhole = await isChunk(this.#parts.hashes, upload.from.content, { chunk, data });
      return isWhole ? data : null;
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return null;
    }
  }

  async #changed(upload: Upload): Promise<void> {
    this.#end(upload, "changed");
    await this.#parts.shares.fail(upload.from.id, "A file has changed since it was shared");
  }

  #sendPieces(
    { id, peer }: Upload,
    { part, at, content }: { part: FilePart; at: number; content: Uint8Array },
  ): void {
    for (let from = 0; from < content.length; from += FILE_PIECE_BYTES) {
      this.#parts.send({
        peer,
        type: PIECE,
        header: { transfer: id, part, at: at + from },
        body: content.slice(from, from + FILE_PIECE_BYTES),
      });
    }
  }

  #end(upload: Upload, reason: EndReason): void {
    this.#drop(upload);
    this.#tellEnd(upload.peer, { transfer: upload.id, reason });
  }

  #tellEnd(peer: NodeId, header: { transfer: string; reason: EndReason }): void {
    this.#parts.send({ peer, type: END, header });
  }

  #drop(upload: Upload): void {
    if (this.#uploads.delete(upload.id)) upload.file.close();
  }

  /** Ends what a share gives. */
  end({ share }: { readonly share: string }): void {
    for (const upload of [...this.#uploads.values()]) {
      if (upload.from.id === share) this.#end(upload, "gone");
    }
  }

  /** Ends all that goes to a peer, without a word. */
  drop(peer: NodeId): void {
    for (const upload of [...this.#uploads.values()]) {
      if (upload.peer === peer) this.#drop(upload);
    }
  }

  /** A file is not held open for who does not come back. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#parts.clock.setTimer(IDLE_MS, () => {
      this.#cancelSweep = null;
      const oldestMs = this.#parts.clock.monotonicMs() - IDLE_MS;
      for (const upload of [...this.#uploads.values()]) {
        if (upload.usedMs <= oldestMs) this.#drop(upload);
      }
      if (this.#uploads.size > 0) this.#sweepLater();
    });
  }
}
