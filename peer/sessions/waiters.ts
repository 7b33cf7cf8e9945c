/**
 * Waiting for news of a peer.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";

export interface WaitOptions {
  readonly waitMs: number;
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Who waits for news, by peer. */
export class Waiters {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #waiting = new Map<NodeId, Set<() => void>>();

  constructor(clock: Pick<Clock, "setTimer">) {
    this.#clock = clock;
  }

  /** Resolves at the next {@linkcode wake}, when the time is over, or when the signal fires. */
  wait(peer: NodeId, { waitMs, signal }: WaitOptions): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(peer) ?? new Set();
      this.#waiting.set(peer, waiting);
      const wake = () => {
        cancel();
        signal.removeEventListener("abort", wake);
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(peer);
        resolve();
      };
      const cancel = this.#clock.setTimer(waitMs, wake);
      signal.addEventListener("abort", wake, { once: true });
      waiting.add(wake);
    });
  }

  wake(peer: NodeId): void {
    for (const wake of this.#waiting.get(peer) ?? []) wake();
  }
}
