/**
 * Handshakes as frames of a session that is there: two nodes that have a channel renew on it, whichever of the two
 * can be called (docs/PROTOCOL.md, "Handshakes as frames").
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { decodeBase64Url, encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type * as v from "valibot";
import type { Clock, Random } from "../../ports/ports.ts";
import type { RateLimit } from "../../ports/rate_limits.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { handshakeHeaderSchema, handshakenHeaderSchema } from "../../protocol/frames.ts";
import { CALL_TIMEOUT_MS, MAX_HANDSHAKE_BYTES } from "../../protocol/limits.ts";
import type { HandshakeRequest } from "../../protocol/peer_api.ts";
import type { NodeEvents } from "../events/events.ts";
import type { TokenVault } from "../tokens/vault.ts";
import type { Carrier } from "./carrier.ts";
import type { HandshakeAnswer } from "./responder.ts";
import type { Session, SessionTable } from "./session.ts";

const CALL_BYTES = 16;

export interface HandshakeFramesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Pick<NodeEvents, "count">;
  readonly vault: Pick<TokenVault, "get">;
  readonly table: SessionTable;
  readonly carrier: Pick<Carrier, "send" | "hasChannel">;
  /** Counts the handshakes of one peer, however they come. */
  readonly peerHandshakes: RateLimit;
  readonly answer: (request: HandshakeRequest) => Promise<HandshakeAnswer>;
}

/** Message 1, as it goes out. */
export interface FrameHandshake {
  readonly suite: string;
  readonly pair_id: string;
  readonly noise: Uint8Array;
}

/** What came back: message 2, or a word of refusal, which is the peer's own here; `null` where nothing came in time. */
export type FrameAnswer = Uint8Array | "refused" | null;

interface Waiting {
  readonly peer: NodeId;
  readonly settle: (answer: FrameAnswer) => void;
}

/** Both sides of such a handshake. */
export class HandshakeFrames {
  readonly #parts: HandshakeFramesParts;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: HandshakeFramesParts) {
    this.#parts = parts;
  }

  /** Whether a channel to a peer is open that takes handshakes as frames. */
  isOpenTo(peer: NodeId): boolean {
    const { carrier, table } = this.#parts;
    return carrier.hasChannel(peer) && table.current(peer)?.peerTakesHandshakes === true;
  }

  /** Sends message 1 on the session that counts now, and waits for the answer. */
  async ask(peer: NodeId, message: FrameHandshake, signal: AbortSignal): Promise<FrameAnswer> {
    const { carrier, clock, random, table } = this.#parts;
    const call = encodeBase64Url(random.bytes(CALL_BYTES));
    const { suite, pair_id, noise } = message;
    const header = { type: "core.handshake", call, suite, pair_id };
    const frame = await table.current(peer)?.sealUnlessGone(header, noise.slice());
    if (frame == null) return null;
    const { promise, resolve } = Promise.withResolvers<FrameAnswer>();
    this.#waiting.set(call, { peer, settle: resolve });
    const cancel = clock.setTimer(CALL_TIMEOUT_MS, () => resolve(null));
    const abort = () => resolve(null);
    signal.addEventListener("abort", abort, { once: true });
    try {
      carrier.send(peer, frame);
      return signal.aborted ? null : await promise;
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
      this.#waiting.delete(call);
    }
  }

  /**
   * Answers message 1 of a peer. What a node has no room for is not answered: it comes again.
   * @throws {OpenRedError} `bad_request` for a body that is no message 1; `overloaded`.
   */
  async take(
    session: Session,
    header: v.InferOutput<typeof handshakeHeaderSchema>,
    body: Uint8Array,
  ): Promise<void> {
    const { call, suite, pair_id } = header;
    if (body.length === 0 || body.length > MAX_HANDSHAKE_BYTES) {
      throw new OpenRedError("bad_request", "The body is no message 1");
    }
    try {
      this.#checkPair(session.peer, pair_id);
      this.#parts.peerHandshakes.check(session.peer);
      const { noise } = await this.#parts.answer({ v: 3, suite, pair_id, noise: body.slice() });
      await this.#reply(session, { call }, decodeBase64Url(noise)!);
    } catch (error) {
      if (!hasCode(error, "handshake_rejected", "rate_limited")) throw error;
      await this.#reply(session, { call, error: error.code });
    }
  }

  /** A session speaks for its own peer alone. */
  #checkPair(peer: NodeId, pairId: Uint8Array): void {
    if (this.#parts.vault.get(Buffer.from(pairId).toString("hex"))?.peer === peer) return;
    throw new OpenRedError("handshake_rejected", "The pair is not one with this peer");
  }

  async #reply(
    session: Session,
    members: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<void> {
    const header = { type: "core.handshaken", ...members };
    const frame = await session.sealUnlessGone(header, body);
    if (frame === null) return;
    this.#parts.events.count("frames_sent");
    this.#parts.carrier.send(session.peer, frame);
  }

  /** Takes an answer, once; what nobody waits for is dropped. */
  takeAnswer(
    peer: NodeId,
    { call, error }: v.InferOutput<typeof handshakenHeaderSchema>,
    body: Uint8Array,
  ): void {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined || waiting.peer !== peer) return;
    this.#waiting.delete(call);
    if (error === undefined) waiting.settle(body.slice());
    else waiting.settle(error === "handshake_rejected" ? "refused" : null);
  }
}
