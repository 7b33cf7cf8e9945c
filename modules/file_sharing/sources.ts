/**
 * Where a file comes from: the transfers that peers have begun for this node.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  endHeaderSchema,
  type EndReason,
  requestAnswerSchema,
} from "../../protocol/file_frames.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { FileSealing, ModuleContext, NodeId, PeerFrame } from "../api.ts";
import { ChunkBuffers } from "./chunk_buffers.ts";
import type { ContentId } from "./content.ts";
import { REQUEST } from "./manifest.ts";
import { PeerWindow } from "./peer_window.ts";
import { Source, type SourceSettings } from "./source.ts";

const ASK_MS = 60_000;
/** Calls to one peer at a time: a node refuses more than 16, and others may want to ask as well. */
const MAX_CALLS = 8;
/** Requests to one peer under way, of which each has few chunks in memory. */
const MAX_REQUESTS = 4;

/** What is to be fetched, as its sender knows it. */
export interface Wanted {
  readonly peer: NodeId;
  readonly share: string;
  readonly file: number;
  readonly download: string;
}

const ENDS: Readonly<Record<EndReason, OpenRedError>> = {
  changed: new OpenRedError("unsupported", "The file has changed at the peer since it was shared"),
  gone: new OpenRedError("not_found", "The peer does not share this any more"),
};

export interface SourceParts extends Pick<ModuleContext, "ask" | "clock" | "peerBytes"> {
  readonly sealing: FileSealing;
}

/** What is under way to one peer, over all that is fetched there. */
interface HeldPeer {
  readonly calls: PeerWindow;
  readonly requests: PeerWindow;
  users: number;
}

/** All transfers that this node has begun. */
export class Sources {
  readonly #parts: SourceParts;
  readonly #buffers = new ChunkBuffers();
  readonly #open = new Map<string, Source>();
  readonly #peers = new Map<NodeId, HeldPeer>();

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /**
   * Begins a transfer of a file, and gives it to `work`.
   * @throws {OpenRedError} What the peer refuses it with; `unreachable`.
   */
  async during<T>(
    wanted: Wanted,
    { content, signal, came }: {
      readonly content: ContentId;
      readonly signal: AbortSignal;
      readonly came: SourceSettings["came"];
    },
    work: (source: Source) => Promise<T>,
  ): Promise<T> {
    const { peer } = wanted;
    const held = this.#hold(peer);
    try {
      const begun = await this.#beginInTurn(held, wanted, signal);
      const { requests: window } = held;
      const buffers = this.#buffers;
      const source = new Source(this.#parts, {
        peer,
        content,
        ...begun,
        window,
        buffers,
        came,
      });
      const id = encodeBase64Url(begun.transfer);
      this.#open.set(id, source);
      try {
        return await work(source);
      } finally {
        if (this.#open.get(id) === source) this.#open.delete(id);
      }
    } finally {
      held.users -= 1;
      if (held.users === 0) this.#peers.delete(peer);
    }
  }

  #hold(peer: NodeId): HeldPeer {
    const held = this.#peers.get(peer) ?? {
      calls: new PeerWindow(MAX_CALLS),
      requests: new PeerWindow(MAX_REQUESTS),
      users: 0,
    };
    this.#peers.set(peer, held);
    held.users += 1;
    return held;
  }

  async #beginInTurn({ calls }: HeldPeer, wanted: Wanted, signal: AbortSignal) {
    const leave = await calls.enter(signal);
    try {
      const begun = await this.#begin(wanted, signal);
      signal.throwIfAborted();
      return begun;
    } finally {
      leave();
    }
  }

  async #begin({ peer, share, file, download }: Wanted, signal: AbortSignal) {
    const header = { share, file, download };
    try {
      const answer = await this.#parts.ask({
        peer,
        type: REQUEST,
        header,
        waitMs: ASK_MS,
        signal,
      });
      const { transfer, secret, file_url } = parseInput(requestAnswerSchema, answer.header);
      return { transfer, secret, path: file_url };
    } catch (error) {
      // At another time it may take the call.
      if (!hasCode(error, "overloaded", "unsupported")) throw error;
      throw new OpenRedError("unreachable", "The peer gives no files now", { cause: error });
    }
  }

  /** Takes a frame that ends a transfer. */
  end({ peer, header }: PeerFrame): Promise<boolean> {
    const { transfer, reason } = parseInput(endHeaderSchema, header);
    const source = this.#open.get(transfer);
    if (source?.peer === peer) source.end(ENDS[reason]);
    return Promise.resolve(false);
  }
}
