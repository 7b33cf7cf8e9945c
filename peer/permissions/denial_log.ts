/**
 * Noting refusals, one a minute for each peer and permission: a peer must not be able to fill the log.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events.ts";

const PAUSE_MS = 60_000;
const MAX_REMEMBERED = 1_000;

interface Noted {
  readonly atMs: number;
  unnoted: number;
}

/** Audits refusals. */
export class DenialLog {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #events: NodeEvents;
  readonly #noted = new Map<string, Noted>();

  constructor(parts: { clock: Pick<Clock, "monotonicMs">; events: NodeEvents }) {
    this.#clock = parts.clock;
    this.#events = parts.events;
  }

  /** Notes that a peer wanted what it may not; `what` is a permission, or what a blocked one tried. */
  note(peer: NodeId, what: string): void {
    const key = `${peer} ${what}`;
    const atMs = this.#clock.monotonicMs();
    const before = this.#noted.get(key);
    if (before !== undefined && atMs - before.atMs < PAUSE_MS) {
      before.unnoted += 1;
      return;
    }
    const more = before === undefined || before.unnoted === 0
      ? ""
      : `, ${before.unnoted} times more`;
    this.#noted.delete(key);
    this.#noted.set(key, { atMs, unnoted: 0 });
    this.#forgetOldest();
    this.#events.auditStranger("permission_denied", { peer, success: false, why: what + more });
  }

  /** A map iterates in insertion order, and what is noted anew is inserted anew. */
  #forgetOldest(): void {
    if (this.#noted.size <= MAX_REMEMBERED) return;
    for (const key of this.#noted.keys()) {
      this.#noted.delete(key);
      return;
    }
  }
}
