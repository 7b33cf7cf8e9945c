/**
 * Acknowledging and refusing: the ids of one turn of the event loop go together.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";

/** So many of the longest fit into the header of a frame. */
const IDS_A_FRAME = 48;

/** Gathers ids of one kind and sends them. */
export class AckGatherer {
  readonly #clock: Clock;
  readonly #send: (peer: NodeId, ids: readonly string[]) => void;
  readonly #waiting = new Map<NodeId, string[]>();

  constructor(clock: Clock, send: (peer: NodeId, ids: readonly string[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(peer: NodeId, id: string): void {
    const waiting = this.#waiting.get(peer);
    if (waiting !== undefined) {
      waiting.push(id);
      return;
    }
    this.#waiting.set(peer, [id]);
    this.#clock.setTimer(0, () => this.#flush(peer));
  }

  #flush(peer: NodeId): void {
    const ids = this.#waiting.get(peer) ?? [];
    this.#waiting.delete(peer);
    for (let start = 0; start < ids.length; start += IDS_A_FRAME) {
      this.#send(peer, ids.slice(start, start + IDS_A_FRAME));
    }
  }
}
