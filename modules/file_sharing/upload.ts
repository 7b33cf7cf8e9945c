/**
 * One transfer, as its sender knows it: what lies at its path, and how often that was given.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { HASH_BYTES } from "../../protocol/file_frames.ts";
import type { TransferWay } from "../../protocol/file_sharing_api.ts";
import { SealedLayout } from "../../protocol/sealed_file.ts";
import type {
  FileSealing,
  ModuleClock,
  NodeId,
  OwnerFile,
  PublicAnswer,
  PublicStream,
} from "../api.ts";
import type { ChunkBuffers } from "./chunk_buffers.ts";
import type { Fetchable } from "./shares.ts";
import type { UploadTurns } from "./upload_turns.ts";

const MAX_ANSWERS = 2;
/** Who has had a chunk so often begins a new transfer. */
const MAX_TIMES = 3;
/** Chunks that are sealed before somebody takes them. */
const AHEAD = 2;
const RANGE = /^bytes=(\d{1,15})-(\d{1,15})?$/;

export interface UploadTools {
  readonly clock: ModuleClock;
  readonly sealing: FileSealing;
  readonly turns: UploadTurns;
  readonly buffers: ChunkBuffers;
}

export interface UploadSettings {
  readonly peer: NodeId;
  readonly from: Fetchable;
  readonly file: OwnerFile;
  /** The last segment of its path. */
  readonly path: string;
  /** What the receiver calls all of it. */
  readonly download: string;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  /** 32 bytes; in memory only. */
  readonly secret: Uint8Array;
  /** Whether the peer may still have it. */
  readonly isOpen: () => boolean;
  /** The file is not what was shared any more. */
  readonly changed: () => void;
}

/** One upload. */
export class Upload {
  readonly peer: NodeId;
  readonly from: Fetchable;
  readonly path: string;
  readonly download: string;
  readonly transfer: Uint8Array;
  readonly secret: Uint8Array;
  readonly begunMs: number;
  readonly #tools: UploadTools;
  readonly #settings: UploadSettings;
  readonly #layout: SealedLayout;
  /** How often each chunk was given. */
  readonly #times: Uint8Array;
  readonly #end = new AbortController();
  #usedMs: number;
  #answers = 0;
  #isUsedUp = false;
  /** How far the receiver has come, as far as it can be seen from here. */
  reachedBytes = 0;
  /** How it was asked for last. */
  way: TransferWay | null = null;

  constructor(tools: UploadTools, settings: UploadSettings) {
    this.#tools = tools;
    this.#settings = settings;
    this.peer = settings.peer;
    this.from = settings.from;
    this.path = settings.path;
    this.download = settings.download;
    this.transfer = settings.transfer;
    this.secret = settings.secret;
    this.#layout = new SealedLayout(settings.from.content.bytes);
    this.#times = new Uint8Array(this.#layout.count);
    this.begunMs = tools.clock.monotonicMs();
    this.#usedMs = this.begunMs;
  }

  /** When anything of it was last asked for or taken, by the monotonic clock. */
  get usedMs(): number {
    return this.#usedMs;
  }

  /** Answers under way. */
  get answers(): number {
    return this.#answers;
  }

  /** Whether a chunk was asked for too often. */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** Nothing more is given, also of answers under way. */
  close(): void {
    this.#end.abort();
    this.#settings.file.close();
    this.secret.fill(0);
  }

  /**
   * Answers a request.
   * @param range The header of that name.
   * @param gone Fires when nobody waits for the answer.
   * @throws {OpenRedError} `rate_limited` beyond two at a time; `not_found` where a chunk was given too often.
   */
  answer(range: string | undefined, gone: AbortSignal): PublicAnswer {
    const { bytes } = this.#layout;
    const span = this.#spanOf(range);
    if (span === null) return { status: 416, headers: { "content-range": `bytes */${bytes}` } };
    const [from, to] = span;
    if (this.#answers >= MAX_ANSWERS) {
      const text = `Expected at most ${MAX_ANSWERS} requests at once`;
      throw new OpenRedError("rate_limited", text, { retryAfterMs: 1_000 });
    }
    this.#count(from, to);
    const [first, end] = [this.#layout.offsetOf(from), this.#layout.offsetOf(to)];
    const body = this.#stream({ from, to, bytes: end - first }, gone);
    if (range === undefined) return { status: 200, body };
    const headers = { "content-range": `bytes ${first}-${end - 1}/${bytes}` };
    return { status: 206, body, headers };
  }

  /** @returns The first slice, and the one behind the last; `null` for a range that does not lie on their borders. */
  #spanOf(range: string | undefined): readonly [number, number] | null {
    if (range === undefined) return [0, this.#layout.count];
    const [, first, last] = RANGE.exec(range) ?? [];
    if (first === undefined) return null;
    const from = this.#layout.indexAt(Number(first));
    const to = last === undefined ? this.#layout.count : this.#layout.indexAt(Number(last) + 1);
    return from === null || to === null || from >= to ? null : [from, to];
  }

  #count(from: number, to: number): void {
    const times = this.#times.subarray(from, to);
    if (times.some((count) => count >= MAX_TIMES)) {
      this.#isUsedUp = true;
      throw new OpenRedError("not_found", "There is nothing at this path");
    }
    for (let at = 0; at < times.length; at++) times[at]! += 1;
  }

  #stream(
    { from, to, bytes }: { readonly from: number; readonly to: number; readonly bytes: number },
    gone: AbortSignal,
  ): PublicStream {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#end.signal, gone, over.signal]);
    const ready: Promise<Uint8Array<ArrayBuffer>>[] = [];
    let leaving: Uint8Array<ArrayBuffer> | null = null;
    let next = from;
    this.#answers += 1;
    const leave = () => {
      if (over.signal.aborted) return;
      over.abort();
      this.#answers -= 1;
      this.#used();
    };
    const fill = () => {
      while (next < to && ready.length < AHEAD) {
        const sealed = this.#seal(next++, signal);
        // It is waited for in its turn; what fails before that is heard then.
        sealed.catch(() => undefined);
        ready.push(sealed);
      }
    };
    const parts = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          // Asked for the next part, since that one has left.
          if (leaving !== null) this.#tools.buffers.give(leaving);
          leaving = null;
          fill();
          const sealed = ready.shift();
          if (sealed === undefined) {
            leave();
            return controller.close();
          }
          leaving = await sealed;
          controller.enqueue(leaving);
          this.#used();
        } catch (error) {
          leave();
          throw error;
        }
      },
      cancel: leave,
    }, { highWaterMark: 0 });
    return { bytes, parts };
  }

  #used(): void {
    this.#usedMs = this.#tools.clock.monotonicMs();
  }

  /** @throws {OpenRedError} `not_found` where nothing is given any more. @throws {DOMException} `AbortError`. */
  async #seal(index: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { file, from: { content }, isOpen, changed } = this.#settings;
    const { part, number, at, length } = this.#layout.slice(index);
    const leave = await this.#tools.turns.take(this.peer, length, signal);
    try {
      if (!isOpen()) throw new OpenRedError("not_found", "Nothing more is given of this file");
      const isLayer = part === "layer";
      const data = isLayer
        ? content.layer!.slice(at, at + length)
        : await file.read(at, length, this.#tools.buffers.take()).catch(failedRead);
      signal.throwIfAborted();
      const chunk = { key: this.#key(part), number, isWhole: content.layer === null };
      const root = isLayer ? null : rootOf(content, number);
      const sealed = data?.length === length
        ? await this.#tools.sealing.seal({ ...chunk, root }, data)
        : null;
      if (sealed === null) {
        changed();
        throw new OpenRedError("not_found", "The file has changed");
      }
      if (!isLayer) this.reachedBytes = Math.max(this.reachedBytes, at + length);
      return sealed;
    } finally {
      leave();
    }
  }

  #key(part: string) {
    const { bytes, root } = this.from.content;
    return { secret: this.secret, transfer: this.transfer, part, root: root!, length: bytes };
  }
}

function failedRead(error: unknown): null {
  if (!(error instanceof OpenRedError)) throw error;
  return null;
}

function rootOf({ layer, root }: Fetchable["content"], number: number): Uint8Array {
  return layer === null ? root! : layer.slice(HASH_BYTES * number, HASH_BYTES * (number + 1));
}
