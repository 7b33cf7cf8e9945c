/**
 * How often owners are asked for factors (docs/PROTOCOL.md, "Factors").
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";

const HOUR_MS = 3_600_000;
const MAX_AN_HOUR = 5;

/** When a factor was asked for in the last hour, by peer: five times at most. */
export class FactorQuota {
  readonly #asked = new Map<NodeId, readonly number[]>();

  /** Counts one more. @returns Whether there was one left; otherwise nothing is counted. */
  take(peer: NodeId, nowMs: number): boolean {
    for (const [other, times] of this.#asked) {
      if (nowMs - (times.at(-1) ?? -Infinity) >= HOUR_MS) this.#asked.delete(other);
    }
    const times = (this.#asked.get(peer) ?? []).filter((atMs) => nowMs - atMs < HOUR_MS);
    if (times.length >= MAX_AN_HOUR) return false;
    this.#asked.set(peer, [...times, nowMs]);
    return true;
  }

  /** Who follows a peer has been asked as often. */
  move(old: NodeId, next: NodeId): void {
    const times = [...this.#asked.get(old) ?? [], ...this.#asked.get(next) ?? []];
    if (times.length > 0) this.#asked.set(next, times.sort((one, other) => one - other));
    this.#asked.delete(old);
  }
}
