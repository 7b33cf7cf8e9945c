/**
 * Messages that leave on one session in the same turn of the event loop share a frame, where the peer takes several
 * (docs/PROTOCOL.md, "Form"). Those of few bytes only: for others a frame of their own costs nothing that
 * counts.
 *
 * @module
 */
import process from "node:process";
import type { FrameMessage, SealedFrame } from "../../crypto/interface.ts";
import type { Background } from "../timing/background.ts";
import type { Carrier } from "./carrier.ts";
import type { Session } from "./session.ts";

const MAX_MESSAGE_BYTES = 4 * 1024;
/** So much that sealing costs little for each message, and that it is copied to the core's Worker, not transferred. */
const MAX_BUNDLE_BYTES = 8 * 1024;
const NOTHING = new Uint8Array();

interface OutgoingMessage {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array | undefined;
  /** Whether it is still to leave; absent where nobody can take it back. */
  readonly isWanted?: () => boolean;
}

/** What left with a message. */
export interface Carried extends SealedFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  /** Whether others are in the same frame. */
  readonly isShared: boolean;
}

interface WaitingMessage extends FrameMessage {
  readonly isWanted: () => boolean;
}

interface Bundle {
  readonly messages: WaitingMessage[];
  bytes: number;
  readonly carried: Promise<Carried | null>;
}

export interface BundleParts {
  readonly background: Background;
  readonly carrier: Carrier;
}

/** Sends the messages of one node. */
export class Bundles {
  readonly #parts: BundleParts;
  readonly #open = new Map<Session, Bundle>();

  constructor(parts: BundleParts) {
    this.#parts = parts;
  }

  /**
   * Sends a message at the end of this turn. One of `core.*` that must be alone is none for this.
   * @returns What it left in, once it has; `null` where nobody wanted it any more, or the session's keys have gone.
   */
  send(session: Session, message: OutgoingMessage): Promise<Carried | null> {
    const { header, body = NOTHING, isWanted = () => true } = message;
    const text = JSON.stringify(header);
    const bytes = text.length + body.length;
    const isSmall = bytes <= MAX_MESSAGE_BYTES;
    let bundle = isSmall ? this.#roomIn(session, bytes) : null;
    if (bundle === null) bundle = this.#begin(session, { isSmall });
    // The caller may use its array again before the turn is over.
    bundle.messages.push({ header: text, body: body.slice(), isWanted });
    bundle.bytes += bytes;
    return bundle.carried;
  }

  #roomIn(session: Session, bytes: number): Bundle | null {
    const bundle = this.#open.get(session);
    if (bundle === undefined || bundle.bytes + bytes > MAX_BUNDLE_BYTES) return null;
    return bundle.messages.length < session.peerMessages ? bundle : null;
  }

  #begin(session: Session, { isSmall }: { isSmall: boolean }): Bundle {
    const { promise, resolve } = Promise.withResolvers<Carried | null>();
    const bundle: Bundle = { messages: [], bytes: 0, carried: promise };
    if (isSmall) this.#open.set(session, bundle);
    process.nextTick(() => {
      if (this.#open.get(session) === bundle) this.#open.delete(session);
      const carrying = this.#carry(session, bundle.messages);
      this.#parts.background.run(
        "send",
        carrying.then(resolve, (error: unknown) => {
          resolve(null);
          throw error;
        }),
        session.peer,
      );
    });
    return bundle;
  }

  async #carry(session: Session, waiting: readonly WaitingMessage[]): Promise<Carried | null> {
    const messages = waiting.filter(({ isWanted }) => isWanted());
    if (messages.length === 0) return null;
    const sealed = await session.sealMessages(
      messages.map(({ header, body }) => ({ header, body })),
    );
    if (sealed === null || !messages.some(({ isWanted }) => isWanted())) return null;
    this.#parts.carrier.send(session.peer, sealed.frame);
    return { ...sealed, isShared: messages.length > 1 };
  }
}
