/**
 * Noting refusals, one a minute for each peer and permission.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { PeerNotes } from "./peer_notes.ts";
import type { NodeEvents } from "./events.ts";

/** Audits refusals. */
export class DenialLog {
  readonly #notes: PeerNotes;

  constructor(parts: { clock: Pick<Clock, "monotonicMs">; events: NodeEvents }) {
    this.#notes = new PeerNotes(parts);
  }

  /** Notes that a peer wanted what it may not; `what` is a permission, or what a blocked one tried. */
  note(peer: NodeId, what: string): void {
    this.#notes.note("permission_denied", { peer, success: false, why: what });
  }
}
