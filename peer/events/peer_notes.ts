/**
 * Noting what a peer can cause as often as it likes: the same of the same peer once a minute, so that no peer can wash
 * the audit log out.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { AuditEventName } from "../../protocol/audit_events.ts";
import type { NodeEvents } from "./events.ts";

const PAUSE_MS = 60_000;
const MAX_REMEMBERED = 1_000;

/** What a peer has done. */
export interface PeerNote {
  readonly peer: NodeId;
  readonly success: boolean;
  /** Different reasons are different notes. */
  readonly why?: string;
}

interface Noted {
  readonly atMs: number;
  unnoted: number;
}

/** Audits what peers do, once a minute each. */
export class PeerNotes {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #events: NodeEvents;
  readonly #noted = new Map<string, Noted>();

  constructor(parts: { clock: Pick<Clock, "monotonicMs">; events: NodeEvents }) {
    this.#clock = parts.clock;
    this.#events = parts.events;
  }

  /**
   * Notes something; the next entry says in `repeated` how often it was not noted since.
   * @returns Whether it was noted now.
   */
  note(event: AuditEventName, note: PeerNote): boolean {
    const key = `${event} ${note.peer} ${note.why ?? ""}`;
    const atMs = this.#clock.monotonicMs();
    const before = this.#noted.get(key);
    if (before !== undefined && atMs - before.atMs < PAUSE_MS) {
      before.unnoted += 1;
      return false;
    }
    this.#noted.delete(key);
    this.#noted.set(key, { atMs, unnoted: 0 });
    this.#forgetOldest();
    const repeated = before?.unnoted ?? 0;
    this.#events.auditStranger(event, { ...note, ...(repeated === 0 ? {} : { repeated }) });
    return true;
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
