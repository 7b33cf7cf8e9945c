/**
 * Where a file comes from: a transfer that a peer has begun, and what was asked for in it.
 *
 * @module
 */
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  endHeaderSchema,
  type EndReason,
  FILE_PIECE_BYTES,
  type FilePart,
  pieceHeaderSchema,
  requestAnswerSchema,
} from "../../protocol/file_frames.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { ModuleContext, NodeId, PeerFrame } from "../api.ts";
import { READ, REQUEST } from "./manifest.ts";
import { pause } from "./pause.ts";
import { PeerWindow } from "./peer_window.ts";

/** What nothing came of for so long is asked for again, where nothing else comes either. */
const SILENCE_MS = 10_000;
/** So is what alone does not come. */
const LOST_MS = 60_000;
const MAX_SILENCES = 3;
const ASK_MS = 60_000;

/** What is to be fetched, as its sender knows it. */
export interface Wanted {
  readonly peer: NodeId;
  readonly share: string;
  readonly file: number;
  readonly download: string;
}

/** A part of a file that is on its way. */
interface Pending {
  readonly part: FilePart;
  readonly at: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** Which of its pieces have come. */
  readonly came: Set<number>;
  readonly whole: PromiseWithResolvers<Uint8Array<ArrayBuffer>>;
}

const ENDS: Readonly<Record<EndReason, OpenRedError>> = {
  unknown: new OpenRedError("unreachable", "The peer has forgotten the transfer"),
  changed: new OpenRedError("unsupported", "The file has changed at the peer since it was shared"),
  gone: new OpenRedError("not_found", "The peer does not share this any more"),
};

export type SourceParts = Pick<ModuleContext, "ask" | "clock" | "send" | "metrics">;

/** One transfer. */
export class Source {
  readonly #parts: SourceParts;
  readonly #wanted: Wanted;
  readonly #transfer: string;
  readonly #window: PeerWindow;
  readonly #pending = new Map<string, Pending>();

  constructor(
    parts: SourceParts,
    of: { readonly wanted: Wanted; readonly transfer: string; readonly window: PeerWindow },
  ) {
    this.#parts = parts;
    this.#wanted = of.wanted;
    this.#transfer = of.transfer;
    this.#window = of.window;
  }

  get peer(): NodeId {
    return this.#wanted.peer;
  }

  get window(): PeerWindow {
    return this.#window;
  }

  /**
   * Fetches a part, unchecked.
   * @throws {OpenRedError} `unreachable` where nothing comes; `unsupported`, `not_found` where the peer ends it.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  async read(
    what: { readonly part: FilePart; readonly at: number; readonly length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { part, at, length } = what;
    const key = keyOf(part, at);
    const pending: Pending = {
      part,
      at,
      content: new Uint8Array(length),
      came: new Set(),
      whole: Promise.withResolvers(),
    };
    this.#pending.set(key, pending);
    // Whoever waits hears it; nobody may be waiting any more.
    pending.whole.promise.catch(() => undefined);
    try {
      return await this.#ask(pending, { part, at, signal });
    } finally {
      this.#pending.delete(key);
    }
  }

  async #ask(
    pending: Pending,
    { part, at, signal }: { part: FilePart; at: number; signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { clock } = this.#parts;
    for (let silences = 0; silences < MAX_SILENCES;) {
      this.#send(part, at);
      const askedMs = clock.monotonicMs();
      for (;;) {
        const over = new AbortController();
        const silent = pause(clock, SILENCE_MS, AbortSignal.any([signal, over.signal]));
        const content = await Promise.race([pending.whole.promise, silent]).finally(() =>
          over.abort()
        );
        if (content !== undefined) return content;
        signal.throwIfAborted();
        const nowMs = clock.monotonicMs();
        if (nowMs - this.#window.cameMs >= SILENCE_MS) {
          silences += 1;
          break;
        }
        silences = 0;
        if (nowMs - askedMs >= LOST_MS) break;
      }
    }
    throw new OpenRedError("unreachable", "The peer sends nothing");
  }

  #send(part: FilePart, at: number): void {
    const header = { transfer: this.#transfer, part, at };
    this.#parts.send({ peer: this.peer, type: READ, header });
  }

  /** Asks again for all that has not come: there is a new session, and what was on its way may be lost. */
  again(): void {
    for (const { part, at } of this.#pending.values()) this.#send(part, at);
  }

  /** Takes a piece. What nobody asked for, or what came before, is dropped. */
  take(piece: { readonly part: FilePart; readonly at: number; readonly body: Uint8Array }): void {
    const { part, at, body } = piece;
    for (const { part: ofPart, at: start, content, came, whole } of this.#pending.values()) {
      const from = at - start;
      const isWithin = part === ofPart && from >= 0 && from < content.length;
      if (!isWithin || from % FILE_PIECE_BYTES !== 0) continue;
      const length = Math.min(FILE_PIECE_BYTES, content.length - from);
      if (body.length !== length || came.has(from)) break;
      content.set(body, from);
      came.add(from);
      this.#window.cameMs = this.#parts.clock.monotonicMs();
      if (came.size === Math.ceil(content.length / FILE_PIECE_BYTES)) whole.resolve(content);
      return;
    }
    this.#parts.metrics.count("pieces_dropped");
  }

  /** The peer gives nothing more. */
  end(reason: EndReason): void {
    for (const { whole } of this.#pending.values()) whole.reject(ENDS[reason]);
  }
}

function keyOf(part: FilePart, at: number): string {
  return `${part} ${at}`;
}

/** All transfers that this node has begun. */
export class Sources {
  readonly #parts: SourceParts;
  readonly #open = new Map<string, Source>();
  readonly #windows = new Map<NodeId, { readonly window: PeerWindow; users: number }>();

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /**
   * Begins a transfer, and gives it to `work`.
   * @throws {OpenRedError} What the peer refuses it with; `unreachable`.
   */
  async during<T>(
    wanted: Wanted,
    signal: AbortSignal,
    work: (source: Source) => Promise<T>,
  ): Promise<T> {
    const { peer } = wanted;
    const transfer = await this.#begin(wanted, signal);
    signal.throwIfAborted();
    const held = this.#windows.get(peer) ?? { window: new PeerWindow(), users: 0 };
    this.#windows.set(peer, held);
    held.users += 1;
    const source = new Source(this.#parts, { wanted, transfer, window: held.window });
    this.#open.set(transfer, source);
    try {
      return await work(source);
    } finally {
      if (this.#open.get(transfer) === source) this.#open.delete(transfer);
      held.users -= 1;
      if (held.users === 0 && this.#windows.get(peer) === held) this.#windows.delete(peer);
    }
  }

  async #begin({ peer, share, file, download }: Wanted, signal: AbortSignal): Promise<string> {
    const header = { share, file, download };
    try {
      const answer = await this.#parts.ask({
        peer,
        type: REQUEST,
        header,
        waitMs: ASK_MS,
        signal,
      });
      return parseInput(requestAnswerSchema, answer.header).transfer;
    } catch (error) {
      // At another time it may take the call.
      if (!hasCode(error, "overloaded", "unsupported")) throw error;
      throw new OpenRedError("unreachable", "The peer gives no files now", { cause: error });
    }
  }

  /** There is a new session with a peer, which may have forgotten what it was asked for. */
  pump(peer: NodeId): void {
    for (const source of this.#open.values()) if (source.peer === peer) source.again();
  }

  /** Takes a frame with a piece of a file. */
  piece({ peer, header, body }: PeerFrame): Promise<boolean> {
    const { transfer, part, at } = parseInput(pieceHeaderSchema, header);
    const source = this.#open.get(transfer);
    if (source?.peer === peer) source.take({ part, at, body });
    else this.#parts.metrics.count("pieces_dropped");
    return Promise.resolve(false);
  }

  /** Takes a frame that ends a transfer. */
  end({ peer, header }: PeerFrame): Promise<boolean> {
    const { transfer, reason } = parseInput(endHeaderSchema, header);
    const source = this.#open.get(transfer);
    if (source?.peer === peer) source.end(reason);
    return Promise.resolve(false);
  }
}
