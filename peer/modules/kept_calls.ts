/**
 * Sealed calls that this node was asked lately, with the answers of those that are kept, all within bounds.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  CALL_MEMORY_MS,
  MAX_CALL_REPEATS,
  MAX_KEPT_ANSWER_BYTES,
  MAX_KEPT_ANSWERS_PER_PEER,
} from "../../protocol/limits.ts";
import type { Session } from "../sessions/session.ts";
import type { Asked, Reply } from "./call_reply.ts";

/** How many calls are known, with an answer or without: none that is known runs twice. */
const MAX_KNOWN_OF_PEER = 2_048;
const MAX_KNOWN = 32_768;
/** How often it is looked whether one has ended that runs for longer than it is known. */
const MIN_WATCH_MS = 1_000;

/** An answer as it went last. */
export interface SealedReply {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly session: Session;
}

interface NewCall extends Asked {
  readonly peer: NodeId;
  /** Tells its content from any other. */
  readonly digest: string;
}

/** A call that came. */
export class KeptCall implements Asked {
  readonly peer: NodeId;
  readonly type: string;
  readonly ask: string;
  readonly digest: string;
  readonly sinceMs: number;
  repeats = 0;
  /** `null` while it runs; `"lost"` once it gave way to others. */
  reply: Reply | "lost" | null = null;
  sealed: SealedReply | null = null;
  /** Whether the answer is to go as a frame of its own when it is there. */
  owed = false;
  /** Resolves when there is an answer. */
  readonly replied: Promise<void>;
  readonly resolve: () => void;

  constructor(call: NewCall & { readonly sinceMs: number }) {
    this.peer = call.peer;
    this.type = call.type;
    this.ask = call.ask;
    this.digest = call.digest;
    this.sinceMs = call.sinceMs;
    ({ promise: this.replied, resolve: this.resolve } = Promise.withResolvers<void>());
  }

  get isRunning(): boolean {
    return this.reply === null;
  }

  /** What its answer takes: itself and the frame that it went in. */
  get bytes(): number {
    const { reply, sealed } = this;
    return (reply === null || reply === "lost" ? 0 : reply.bytes) + (sealed?.frame.length ?? 0);
  }
}

/** What is known of one peer's calls. */
interface PeerCalls {
  known: number;
  /** Those that run and those whose answers are kept, the oldest first. */
  readonly held: Set<KeptCall>;
}

/** The calls of one node. */
export class KeptCalls {
  readonly #clock: Pick<Clock, "monotonicMs" | "setTimer">;
  /** The oldest first. */
  readonly #calls = new Map<string, KeptCall>();
  readonly #peers = new Map<NodeId, PeerCalls>();
  /** Those whose answers are kept, the one that was answered first in front. */
  readonly #answered = new Set<KeptCall>();
  #bytes = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Pick<Clock, "monotonicMs" | "setTimer">) {
    this.#clock = clock;
  }

  find(peer: NodeId, ask: string): KeptCall | null {
    return this.#calls.get(keyOf(peer, ask)) ?? null;
  }

  /** Counts a repeat. @throws {OpenRedError} `rate_limited` beyond eight. */
  repeat(call: KeptCall): void {
    if (call.repeats >= MAX_CALL_REPEATS) {
      const retryAfterMs = call.sinceMs + CALL_MEMORY_MS - this.#clock.monotonicMs();
      throw new OpenRedError("rate_limited", "This call was repeated too often", {
        retryAfterMs: Math.max(1_000, retryAfterMs),
      });
    }
    call.repeats += 1;
  }

  /**
   * Notes a call that is about to run.
   * @throws {OpenRedError} `rate_limited` while too many of this peer run or are known, `overloaded` while too many are
   *   known in all.
   */
  add(call: NewCall): KeptCall {
    this.#forgetOld();
    const ofPeer = this.#peers.get(call.peer) ?? { known: 0, held: new Set() };
    if (ofPeer.known >= MAX_KNOWN_OF_PEER) {
      throw new OpenRedError("rate_limited", "Too many calls in a short time");
    }
    if (this.#calls.size >= MAX_KNOWN) {
      throw new OpenRedError("overloaded", "Too many calls in a short time");
    }
    this.#makeRoom(ofPeer);
    const kept = new KeptCall({ ...call, sinceMs: this.#clock.monotonicMs() });
    this.#calls.set(keyOf(kept.peer, kept.ask), kept);
    ofPeer.known += 1;
    ofPeer.held.add(kept);
    this.#peers.set(kept.peer, ofPeer);
    this.#watch(CALL_MEMORY_MS);
    return kept;
  }

  /** Keeps an answer. */
  keep(call: KeptCall, reply: Reply): void {
    call.reply = reply;
    if (this.find(call.peer, call.ask) === call) {
      this.#answered.add(call);
      this.#count(reply.bytes);
    }
    call.resolve();
  }

  /** Keeps the frame in which an answer goes, in place of the one in which it went. */
  keepSealed(call: KeptCall, sealed: SealedReply): void {
    // It gave way, or was forgotten, while it was sealed.
    if (!this.#answered.has(call)) return;
    const before = call.bytes;
    call.sealed = sealed;
    this.#count(call.bytes - before);
  }

  /** Forgets everything; whoever waits is answered no more. */
  stop(): void {
    this.#cancelTimer?.();
    for (const call of this.#calls.values()) call.resolve();
    this.#calls.clear();
    this.#peers.clear();
    this.#answered.clear();
    this.#bytes = 0;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    for (const oldest of this.#answered) {
      if (this.#bytes <= MAX_KEPT_ANSWER_BYTES) return;
      this.#lose(oldest);
    }
  }

  /** Of one peer's answers the oldest gives way; what runs does not. */
  #makeRoom({ held }: PeerCalls): void {
    if (held.size < MAX_KEPT_ANSWERS_PER_PEER) return;
    const oldest = [...held].find(({ isRunning }) => !isRunning);
    if (oldest === undefined) throw new OpenRedError("rate_limited", "Too many calls at once");
    this.#lose(oldest);
  }

  /** The answer goes. The call stays known, so that it does not run twice. */
  #lose(call: KeptCall): void {
    if (!this.#answered.delete(call)) return;
    this.#bytes -= call.bytes;
    call.reply = "lost";
    call.sealed = null;
    this.#peers.get(call.peer)?.held.delete(call);
  }

  #forgetOld(): void {
    const oldestMs = this.#clock.monotonicMs() - CALL_MEMORY_MS;
    for (const [key, call] of this.#calls) {
      if (call.sinceMs > oldestMs) break;
      if (call.isRunning) continue;
      this.#lose(call);
      this.#calls.delete(key);
      const ofPeer = this.#peers.get(call.peer);
      if (ofPeer === undefined) continue;
      ofPeer.known -= 1;
      if (ofPeer.known === 0) this.#peers.delete(call.peer);
    }
  }

  /** Answers may be secret: they go in time, even if no other call comes. */
  #watch(delayMs: number): void {
    this.#cancelTimer ??= this.#clock.setTimer(delayMs, () => {
      this.#cancelTimer = null;
      this.#forgetOld();
      const [oldest] = this.#calls.values();
      if (oldest === undefined) return;
      const leftMs = oldest.sinceMs + CALL_MEMORY_MS - this.#clock.monotonicMs();
      this.#watch(Math.max(MIN_WATCH_MS, leftMs));
    });
  }
}

function keyOf(peer: NodeId, ask: string): string {
  return `${peer} ${ask}`;
}
