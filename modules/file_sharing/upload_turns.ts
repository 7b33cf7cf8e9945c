/**
 * Whose chunk leaves next: peers take turns, few chunks are in hand at a time, and no more bytes leave in a second than
 * the owner lets.
 *
 * @module
 */
import type { ModuleClock, NodeId } from "../api.ts";

/** Chunks that are being read and sealed: more would keep no further thread busy. */
const MAX_IN_HAND = 4;
/** What may leave at once after a pause. */
const BURST_MS = 1_000;

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** The turns of all uploads. */
export class UploadTurns {
  readonly #clock: ModuleClock;
  /** 0: no limit. */
  readonly #bytesPerSecond: number;
  /** The peer whose turn is next stands first. */
  readonly #waiting = new Map<NodeId, Waiting[]>();
  #inHand = 0;
  /** What may leave now; below 0 it has left already. */
  #credit: number;
  #creditMs: number;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: ModuleClock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#credit = bytesPerSecond * BURST_MS / 1_000;
    this.#creditMs = clock.monotonicMs();
  }

  /**
   * Waits until it is a peer's turn.
   * @returns What ends it; to be called once or more.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  take(peer: NodeId, bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const waiting: Waiting = {
      bytes,
      enter: () => {
        signal.removeEventListener("abort", stop);
        resolve(this.#leaving());
      },
    };
    const stop = () => {
      this.#drop(peer, waiting);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    const ofPeer = this.#waiting.get(peer);
    if (ofPeer === undefined) this.#waiting.set(peer, [waiting]);
    else ofPeer.push(waiting);
    this.#pump();
    return promise;
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #leaving(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#inHand -= 1;
      this.#pump();
    };
  }

  #drop(peer: NodeId, waiting: Waiting): void {
    const ofPeer = this.#waiting.get(peer)?.filter((other) => other !== waiting) ?? [];
    if (ofPeer.length === 0) this.#waiting.delete(peer);
    else this.#waiting.set(peer, ofPeer);
  }

  #pump(): void {
    this.#refill();
    while (this.#inHand < MAX_IN_HAND && this.#waiting.size > 0) {
      if (this.#credit < 0) return this.#pumpLater();
      const [[peer, ofPeer]] = this.#waiting as unknown as [[NodeId, Waiting[]]];
      const next = ofPeer!.shift()!;
      // Behind all others, if more of it waits.
      this.#waiting.delete(peer!);
      if (ofPeer!.length > 0) this.#waiting.set(peer!, ofPeer!);
      this.#inHand += 1;
      if (this.#bytesPerSecond > 0) this.#credit -= next.bytes;
      next.enter();
    }
  }

  #refill(): void {
    if (this.#bytesPerSecond === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const earned = (nowMs - this.#creditMs) * this.#bytesPerSecond / 1_000;
    const most = this.#bytesPerSecond * BURST_MS / 1_000;
    this.#credit = Math.min(this.#credit + earned, most);
    this.#creditMs = nowMs;
  }

  #pumpLater(): void {
    const waitMs = Math.ceil(-this.#credit * 1_000 / this.#bytesPerSecond) + 1;
    this.#cancelTimer ??= this.#clock.setTimer(waitMs, () => {
      this.#cancelTimer = null;
      this.#pump();
    });
  }
}
