/**
 * Frames by POST: a few at a time to each peer, a bounded queue behind them.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { HttpClient } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_ANSWER_BYTES } from "../../protocol/limits.ts";
import { frameSessionId, MESSAGE_PATH } from "../../protocol/peer_api.ts";

const AT_A_TIME = 4;
const MAX_QUEUED = 256;
/** As a channel holds. */
const MAX_QUEUED_BYTES = 4 * 2 ** 20;
/** Peers remembered that no POST reaches. */
const MAX_UNMET = 10_000;

export interface PostParts {
  readonly http: HttpClient;
  /** The peer's `api_url`, or `null` if it has none. */
  readonly urlOf: (peer: NodeId) => string | null;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** Called when the peer says that it does not know the session. */
  readonly unknown: (peer: NodeId) => void;
  /** Called for a frame that found no room. */
  readonly dropped: () => void;
}

interface Queue {
  readonly frames: Uint8Array<ArrayBuffer>[];
  /** Length of all of them. */
  bytes: number;
  busy: number;
}

/** Posts frames to peers. */
export class PostQueue {
  readonly #parts: PostParts;
  readonly #queues = new Map<NodeId, Queue>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Whose last POST met nobody, the newest last. */
  readonly #unmet = new Set<NodeId>();

  constructor(parts: PostParts) {
    this.#parts = parts;
  }

  send(peer: NodeId, frame: Uint8Array<ArrayBuffer>): void {
    const queue = this.#queues.get(peer) ?? { frames: [], bytes: 0, busy: 0 };
    this.#queues.set(peer, queue);
    if (queue.frames.length >= MAX_QUEUED || queue.bytes + frame.length > MAX_QUEUED_BYTES) {
      return this.#parts.dropped();
    }
    queue.frames.push(frame);
    queue.bytes += frame.length;
    if (queue.busy < AT_A_TIME) this.#work(peer, queue);
  }

  /** Whether the last POST to a peer met nobody. */
  metNobody(peer: NodeId): boolean {
    return this.#unmet.has(peer);
  }

  #noteUnmet(peer: NodeId): void {
    this.#unmet.delete(peer);
    this.#unmet.add(peer);
    const [oldest] = this.#unmet;
    if (this.#unmet.size > MAX_UNMET && oldest !== undefined) this.#unmet.delete(oldest);
  }

  #work(peer: NodeId, queue: Queue): void {
    queue.busy += 1;
    const run = this.#drain(peer, queue).finally(() => {
      queue.busy -= 1;
      if (queue.busy === 0 && queue.frames.length === 0) this.#queues.delete(peer);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  async #drain(peer: NodeId, queue: Queue): Promise<void> {
    for (let frame = queue.frames.shift(); frame !== undefined; frame = queue.frames.shift()) {
      queue.bytes -= frame.length;
      if (this.#stop.signal.aborted) return;
      await this.#post(peer, frame);
    }
  }

  async #post(peer: NodeId, frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const { http, urlOf, checkUrl, unknown } = this.#parts;
    const url = urlOf(peer);
    const sessionId = frameSessionId(frame);
    if (url === null || sessionId === null) return;
    const request = { session_id: encodeBase64Url(sessionId), data: encodeBase64Url(frame) };
    const { signal } = this.#stop;
    try {
      await checkUrl(url, signal);
      const answer = await http.request({
        method: "POST",
        url: url + MESSAGE_PATH,
        headers: { "content-type": "application/json" },
        body: encodeUtf8(JSON.stringify(request)),
        timeoutMs: CALL_TIMEOUT_MS,
        maxAnswerBytes: MAX_ANSWER_BYTES,
        signal,
      });
      this.#unmet.delete(peer);
      if (answer.status === 404) unknown(peer);
    } catch (error) {
      this.#noteUnmet(peer);
      if (!(error instanceof OpenRedError) && !signal.aborted) throw error;
    }
  }

  /** Gives what waits a moment to leave, then ends the rest. */
  async stop(settled: Promise<void>): Promise<void> {
    await Promise.race([Promise.all(this.#running), settled]);
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }
}
