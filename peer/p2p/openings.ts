/**
 * When a channel to a peer may be opened again.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { Backoff } from "../timing/backoff.ts";

const FIRST_REOPEN_MS = 1_000;
const LAST_REOPEN_MS = 300_000;

interface Opening {
  readonly backoff: Backoff;
  notBeforeMs: number;
  running: boolean;
}

/** The attempts of one node to open channels. A peer not tried for long is forgotten. */
export class Openings {
  readonly #clock: Clock;
  readonly #random: Random;
  /** The peer tried last stands last. */
  readonly #byPeer = new Map<NodeId, Opening>();

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** Peers remembered. */
  get size(): number {
    return this.#byPeer.size;
  }

  /** @returns What notes the end of the attempt, or `null` if it is not time for one. */
  begin(peer: NodeId): (() => void) | null {
    const nowMs = this.#clock.monotonicMs();
    const opening = this.#byPeer.get(peer) ?? this.#first();
    if (opening.running || nowMs < opening.notBeforeMs) return null;
    opening.running = true;
    opening.notBeforeMs = nowMs + opening.backoff.next();
    this.#byPeer.delete(peer);
    this.#byPeer.set(peer, opening);
    this.#forgetOld(nowMs);
    return () => opening.running = false;
  }

  /** The peer is there: after this channel the pauses begin anew. */
  proved(peer: NodeId): void {
    this.#byPeer.get(peer)?.backoff.reset();
  }

  /** The next attempt may begin at once. */
  forget(peer: NodeId): void {
    this.#byPeer.delete(peer);
  }

  #first(): Opening {
    const backoff = new Backoff(this.#random, { firstMs: FIRST_REOPEN_MS, lastMs: LAST_REOPEN_MS });
    return { backoff, notBeforeMs: 0, running: false };
  }

  #forgetOld(nowMs: number): void {
    for (const [peer, { notBeforeMs, running }] of this.#byPeer) {
      if (running || nowMs < notBeforeMs + LAST_REOPEN_MS) return;
      this.#byPeer.delete(peer);
    }
  }
}
