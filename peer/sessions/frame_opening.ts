/**
 * Opening frames that came: which session each is of, and whether that counts.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError, type OpenedFrame } from "../../crypto/interface.ts";
import { frameSessionId } from "../../protocol/peer_api.ts";
import type { NodeEvents } from "../events/events.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Confirming } from "./confirming.ts";
import type { Session, SessionTable } from "./session.ts";

/** A frame that opened: for the first time, or again. */
export type Opened = Extract<OpenedFrame, { readonly outcome: "opened" | "repeat" }>;

/** A frame before anything is done with what is inside. */
export type Opening =
  | { readonly kind: "unknown" }
  | { readonly kind: "refused" }
  /** It opened, and cannot be read. */
  | { readonly kind: "dropped"; readonly session: Session }
  | { readonly kind: "opened"; readonly session: Session; readonly opened: Opened };

export interface OpeningParts {
  readonly events: NodeEvents;
  readonly book: PeerBook;
  readonly table: SessionTable;
  readonly confirming: Confirming;
  /** Called for each frame that has opened. */
  readonly used: (peer: NodeId) => void;
}

/** Opens the frames of one node. */
export class FrameOpening {
  readonly #parts: OpeningParts;

  constructor(parts: OpeningParts) {
    this.#parts = parts;
  }

  async open(frame: Uint8Array): Promise<Opening> {
    const { events } = this.#parts;
    events.countOf("bytes_received", frame.length);
    const sessionId = frameSessionId(frame);
    if (sessionId === null) {
      events.count("frames_refused");
      return { kind: "refused" };
    }
    const session = this.find(sessionId);
    if (session === null) return { kind: "unknown" };
    const opened = await openUnlessGone(session, frame);
    if (opened === null) return { kind: "unknown" };
    switch (opened.outcome) {
      case "refused":
        events.count("frames_refused");
        return { kind: "refused" };
      case "dropped":
        events.count("frames_dropped");
        return { kind: "dropped", session };
      default:
        events.count(opened.outcome === "opened" ? "frames_opened" : "frames_repeated");
        this.#parts.used(session.peer);
        return { kind: "opened", session, opened };
    }
  }

  /** The session whose frames would be opened, or `null`. */
  find(sessionId: Uint8Array): Session | null {
    const session = this.#parts.table.get(Buffer.from(sessionId).toString("hex"));
    return session === null || session.over || !this.#counts(session) ? null : session;
  }

  /**
   * Has a session count for which a frame has opened.
   * @returns Whether it does: confirmed, and neither replaced nor cut off meanwhile.
   * @throws {OpenRedError} `overloaded` if it could not be confirmed; the next frame tries again.
   */
  async confirm(session: Session): Promise<boolean> {
    // A newer message 1 of the same pair may have replaced it while the frame was opened.
    if (!this.#counts(session)) return false;
    if (!session.confirmed) await this.#parts.confirming.confirm(session);
    return session.confirmed && this.#counts(session);
  }

  /** Whether a session is still there, and its peer not one that another identity has followed. */
  #counts(session: Session): boolean {
    const { table, book } = this.#parts;
    const isSucceeded = book.get(session.peer)?.succession != null;
    return table.get(session.id) === session && !isSucceeded;
  }
}

/** @returns `null` if its keys have gone meanwhile. */
async function openUnlessGone(session: Session, frame: Uint8Array): Promise<OpenedFrame | null> {
  try {
    return await session.open(frame);
  } catch (error) {
    if (error instanceof CryptoError && error.code === "key_unknown") return null;
    throw error;
  }
}
