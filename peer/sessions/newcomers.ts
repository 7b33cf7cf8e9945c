/**
 * Telling the owner of strangers that have met this node: contact requests, with or without a message.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Decisions } from "../peers/decisions.ts";
import type { PeerBook } from "../peers/peer_book.ts";

/** By then whoever shows an invitation is no stranger any more. */
const TELL_AFTER_MS = 3_000;
/** Ids cost nothing: so many are told of in an hour, the others are listed only. */
const MAX_TOLD = 20;
const HOUR_MS = 3_600_000;

export interface NewcomerParts {
  readonly clock: Pick<Clock, "monotonicMs" | "setTimer">;
  readonly events: Pick<NodeEvents, "emit" | "note">;
  readonly book: Pick<PeerBook, "get">;
  readonly decisions: Pick<Decisions, "isDecided">;
}

/** The newcomers of one node. */
export class Newcomers {
  readonly #parts: NewcomerParts;
  readonly #waiting = new Map<NodeId, () => void>();
  readonly #told = new Set<NodeId>();
  #sinceMs = -Infinity;

  constructor(parts: NewcomerParts) {
    this.#parts = parts;
  }

  /** Notes a confirmed session. */
  met(peer: NodeId): void {
    const { clock, decisions } = this.#parts;
    if (clock.monotonicMs() - this.#sinceMs >= HOUR_MS) {
      this.#sinceMs = clock.monotonicMs();
      this.#told.clear();
    }
    const isFull = this.#told.size + this.#waiting.size >= MAX_TOLD;
    if (isFull || decisions.isDecided(peer) || this.#told.has(peer) || this.#waiting.has(peer)) {
      return;
    }
    this.#waiting.set(peer, clock.setTimer(TELL_AFTER_MS, () => this.#tell(peer)));
  }

  #tell(peer: NodeId): void {
    const { events, book, decisions } = this.#parts;
    this.#waiting.delete(peer);
    const entry = book.get(peer);
    if (entry === null || decisions.isDecided(peer)) return;
    this.#told.add(peer);
    const alias = entry.record.payload.alias ?? null;
    const claim = alias === null ? "Somebody" : `“${alias}”`;
    events.note("contact_request", `${claim} asks to be in touch: ${peer}`);
    events.emit({ type: "contact_request", peer, alias });
  }

  stop(): void {
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }
}
