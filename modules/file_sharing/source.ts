/**
 * One transfer, as its receiver knows it: what comes is opened and checked before anybody else sees it.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { FILE_TAG_BYTES, HASH_BYTES } from "../../protocol/file_frames.ts";
import type { TransferWay } from "../../protocol/file_sharing_api.ts";
import { SealedLayout, type SealedSlice } from "../../protocol/sealed_file.ts";
import type { FileSealing, ModuleContext, NodeId, PeerBytes } from "../api.ts";
import type { ChunkBuffers } from "./chunk_buffers.ts";
import type { ContentId } from "./content.ts";
import { pause } from "./pause.ts";
import type { PeerWindow } from "./peer_window.ts";

/** Chunks of one request that are being opened and written. */
const MAX_IN_HAND = 4;
/** How long the reason may take that a peer gives for breaking off. */
const REASON_MS = 1_000;

/** Content that is not what was offered: nothing more of this transfer is believed. */
export class WrongContent extends Error {
  override readonly name = "WrongContent";
}

export interface SourceTools extends Pick<ModuleContext, "clock" | "peerBytes"> {
  readonly sealing: FileSealing;
}

export interface SourceSettings {
  readonly peer: NodeId;
  /** What is expected; its layer may not be known yet. */
  readonly content: ContentId;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** Below the peer's URL. */
  readonly path: string;
  readonly window: PeerWindow;
  readonly buffers: ChunkBuffers;
  /** Hears how it comes, whenever it begins to. */
  readonly came: (way: TransferWay) => void;
}

/** Chunks that follow each other. */
export interface Span {
  readonly first: number;
  readonly count: number;
}

/** One source of one file. */
export class Source {
  readonly #tools: SourceTools;
  readonly #settings: SourceSettings;
  readonly #layout: SealedLayout;
  readonly #ended = new AbortController();

  constructor(tools: SourceTools, settings: SourceSettings) {
    this.#tools = tools;
    this.#settings = settings;
    this.#layout = new SealedLayout(settings.content.bytes);
  }

  get peer(): NodeId {
    return this.#settings.peer;
  }

  /** The peer gives nothing more. */
  end(why: OpenRedError): void {
    this.#ended.abort(why);
  }

  /** Fetches the roots of the chunks, unchecked; `null` for a file of one chunk. @throws As {@linkcode chunks}. */
  async layer(signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | null> {
    const { layerBytes, layerSlices } = this.#layout;
    if (layerBytes === 0) return null;
    const layer = new Uint8Array(layerBytes);
    await this.#fetch({ from: 0, to: layerSlices }, { signal, layer: null }, ({ at }, data) => {
      layer.set(data, at);
      return Promise.resolve();
    });
    return layer;
  }

  /**
   * Fetches chunks that follow each other, once the peer's window has room.
   * @param options `layer`: the roots that they have to have, `null` where there is one chunk; `take` gets each, right.
   * @throws {OpenRedError} `unreachable` where nothing comes, or the transfer is forgotten there; what it is ended with.
   * @throws {WrongContent} For a chunk that is another one.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  async chunks(
    { first, count }: Span,
    options: {
      readonly layer: Uint8Array | null;
      readonly signal: AbortSignal;
      readonly take: (chunk: number, data: Uint8Array<ArrayBuffer>) => Promise<void>;
    },
  ): Promise<void> {
    const { layer, signal, take } = options;
    const leave = await this.#settings.window.enter(signal);
    const from = this.#layout.layerSlices + first;
    try {
      await this.#fetch(
        { from, to: from + count },
        { layer, signal },
        ({ number }, data) => take(number, data),
      );
    } finally {
      leave();
    }
  }

  async #fetch(
    range: { readonly from: number; readonly to: number },
    options: { readonly layer: Uint8Array | null; readonly signal: AbortSignal },
    take: (slice: SealedSlice, data: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#ended.signal]);
    try {
      await this.#fetchOnce(range, { ...options, signal }, take);
    } catch (error) {
      options.signal.throwIfAborted();
      // It breaks off, and says in a frame why.
      if (!this.#ended.signal.aborted && isBroken(error)) {
        await pause(this.#tools.clock, REASON_MS, signal);
        options.signal.throwIfAborted();
      }
      throw this.#ended.signal.aborted ? this.#ended.signal.reason : error;
    }
  }

  async #fetchOnce(
    { from, to }: { readonly from: number; readonly to: number },
    { layer, signal }: { readonly layer: Uint8Array | null; readonly signal: AbortSignal },
    take: (slice: SealedSlice, data: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const { peer, path, buffers, came } = this.#settings;
    const bytes = await this.#tools.peerBytes({
      peer,
      path,
      range: { from: this.#layout.offsetOf(from), to: this.#layout.offsetOf(to) },
      signal,
    });
    const inHand: Promise<void>[] = [];
    try {
      checkStatus(bytes.status);
      came(bytes.isRelayed ? "relayed" : "direct");
      for (let index = from; index < to; index++) {
        const slice = this.#layout.slice(index);
        const room = buffers.take().subarray(0, slice.length + FILE_TAG_BYTES);
        await readWhole(bytes, room);
        if (inHand.length >= MAX_IN_HAND) await inHand.shift();
        const done = this.#open(slice, layer, room).then(async (data) => {
          await take(slice, data);
          buffers.give(data);
        });
        // It is waited for in its turn; what fails before that is heard then.
        done.catch(() => undefined);
        inHand.push(done);
      }
      await Promise.all(inHand);
    } finally {
      bytes.close();
      await Promise.allSettled(inHand);
    }
  }

  async #open(
    { part, number }: SealedSlice,
    layer: Uint8Array | null,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { content: { bytes, root }, secret, transfer } = this.#settings;
    const key = { secret, transfer, part, root: root!, length: bytes };
    const isWhole = this.#layout.layerBytes === 0;
    const expected = part === "layer" ? null : isWhole ? root : rowOf(layer!, number);
    const chunk = { key, number, root: expected, isWhole };
    const data = await this.#tools.sealing.open(chunk, sealed);
    if (data === null) throw new WrongContent();
    return data;
  }
}

function rowOf(layer: Uint8Array, number: number): Uint8Array {
  return layer.slice(HASH_BYTES * number, HASH_BYTES * (number + 1));
}

function isBroken(error: unknown): boolean {
  return error instanceof OpenRedError && error.code === "unreachable";
}

/** @throws {OpenRedError} `unreachable` for anything but the range that was asked for. */
function checkStatus(status: number): void {
  if (status === 206) return;
  const isForgotten = status === 404;
  const text = isForgotten ? "The peer has forgotten the transfer" : "The peer gives no files now";
  throw new OpenRedError("unreachable", text);
}

/** Fills `target`. */
async function readWhole(bytes: PeerBytes, target: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < target.length;) {
    const count = await bytes.read(target.subarray(at));
    if (count === null) throw new OpenRedError("unreachable", "The peer broke off");
    at += count;
  }
}
