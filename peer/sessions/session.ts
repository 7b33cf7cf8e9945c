/**
 * One session with a peer, and all of a node's sessions.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import {
  type CryptoCore,
  CryptoError,
  type EstablishedSession,
  type FrameMessage,
  type KeyRef,
  type OpenedFrame,
  type Suite,
} from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { CONFIRMATION_MS, RECEIVE_LONGER_MS, STEP_LIFE_MS } from "../../protocol/limits.ts";
import type { PairEntry } from "../tokens/pair_entry.ts";

/** How many of the peer's last `core.keep` are acknowledged once more. */
const MAX_KEPT_IDS = 16;

export interface SessionOptions {
  readonly established: EstablishedSession;
  readonly pair: PairEntry;
  readonly role: "initiator" | "responder";
  readonly suite: Suite;
  readonly lifeMs: number;
  /** `seq` of the own record that went with the handshake. */
  readonly recordSeq: number;
  /** Grows with every session of this node. */
  readonly sequence: number;
}

/** One session: what it is, and its two crypto calls. */
export class Session {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #ref: KeyRef;
  /** Hex. */
  readonly id: string;
  readonly peer: NodeId;
  readonly pair: PairEntry;
  readonly role: "initiator" | "responder";
  readonly suite: Suite;
  readonly binding: Uint8Array;
  readonly lifeMs: number;
  readonly recordSeq: number;
  readonly sequence: number;
  readonly madeMs: number;
  confirmed = false;
  /** When, by the monotonic clock. */
  confirmedMs: number | null = null;
  /** Under way or done; a failure clears it. */
  confirming: Promise<void> | null = null;
  /** When the renewal is due, by the monotonic clock. */
  renewAtMs = Infinity;
  helloAnsweredMs = -Infinity;
  /** Called once it is confirmed. */
  onConfirmed: (() => void) | null = null;
  rttMs: number | null = null;
  /** How many messages the peer takes in one frame, as its hello said. */
  peerMessages = 1;
  /** Whether the peer takes handshakes as frames, as its hello said. */
  peerTakesHandshakes = false;
  /** The ids of the last `core.keep` obeyed on it, newest last. */
  #keptIds: readonly string[] = [];
  #closedMs: number | null = null;
  #step = 0;
  #stepSinceMs: number;

  constructor(parts: { crypto: CryptoCore; clock: Clock }, options: SessionOptions) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#ref = options.established.session;
    this.id = Buffer.from(options.established.sessionId).toString("hex");
    this.binding = options.established.binding;
    this.pair = options.pair;
    this.peer = options.pair.peer;
    this.role = options.role;
    this.suite = options.suite;
    this.lifeMs = options.lifeMs;
    this.recordSeq = options.recordSeq;
    this.sequence = options.sequence;
    this.madeMs = parts.clock.monotonicMs();
    this.#stepSinceMs = this.madeMs;
  }

  get step(): number {
    return this.#step;
  }

  get ageMs(): number {
    return this.#clock.monotonicMs() - this.madeMs;
  }

  get closed(): boolean {
    return this.#closedMs !== null;
  }

  /** Whether frames may be sent on it. */
  get sends(): boolean {
    return this.#closedMs === null && this.ageMs < this.lifeMs;
  }

  /** Whether its keys can go: nothing is received on it any more. */
  get over(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (!this.confirmed) return nowMs - this.madeMs >= CONFIRMATION_MS;
    if (this.#closedMs !== null) return nowMs - this.#closedMs >= RECEIVE_LONGER_MS;
    return this.ageMs >= this.lifeMs + RECEIVE_LONGER_MS;
  }

  /** Whether an idle direction has to move. */
  get stepDue(): boolean {
    return this.confirmed && this.sends &&
      this.#clock.monotonicMs() - this.#stepSinceMs >= STEP_LIFE_MS;
  }

  /** Milliseconds since this direction's step began. */
  get stepAgeMs(): number {
    return this.#clock.monotonicMs() - this.#stepSinceMs;
  }

  /** Ends sending; frames that come are taken two minutes longer. */
  close(): void {
    this.#closedMs ??= this.#clock.monotonicMs();
  }

  /** Notes that the `core.keep` of this id was obeyed. */
  noteKept(id: string): void {
    this.#keptIds = [...this.#keptIds, id].slice(-MAX_KEPT_IDS);
  }

  /** Whether the `core.keep` of this id was obeyed: the last sixteen are known. */
  hasKept(id: string): boolean {
    return this.#keptIds.includes(id);
  }

  /** Seals a frame under the next counter. */
  async seal(header: Record<string, unknown>, body?: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const message = { header: JSON.stringify(header), ...(body === undefined ? {} : { body }) };
    return (await this.#seal(message)).frame;
  }

  async #seal(
    messages: { header: string; body?: Uint8Array; more?: readonly FrameMessage[] },
  ): Promise<{ frame: Uint8Array<ArrayBuffer>; step: number }> {
    const nowMs = this.#clock.monotonicMs();
    const { frame, step } = await this.#crypto.seal({
      session: this.#ref,
      nowMs,
      mayStep: this.confirmed,
      ...messages,
    });
    if (step !== this.#step) {
      this.#step = step;
      this.#stepSinceMs = nowMs;
    }
    return { frame: frame as Uint8Array<ArrayBuffer>, step };
  }

  /**
   * Seals messages, headers as JSON text, into one frame; bodies must not be used afterwards.
   * @returns `null` once its keys are gone.
   */
  async sealMessages(
    [first, ...more]: readonly FrameMessage[],
  ): Promise<{ frame: Uint8Array<ArrayBuffer>; step: number } | null> {
    const shared = more.length === 0 ? {} : { more };
    return await unlessGone(this.#seal({ ...first!, ...shared }));
  }

  /** As {@linkcode seal}; `null` once its keys are gone. */
  async sealUnlessGone(
    header: Record<string, unknown>,
    body?: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    return await unlessGone(this.seal(header, body));
  }

  open(frame: Uint8Array): Promise<OpenedFrame> {
    return this.#crypto.open({ session: this.#ref, nowMs: this.#clock.monotonicMs(), frame });
  }

  /** Wipes its keys. */
  release(): Promise<void> {
    return this.#crypto.release(this.#ref);
  }
}

async function unlessGone<T>(sealing: Promise<T>): Promise<T | null> {
  try {
    return await sealing;
  } catch (error) {
    if (error instanceof CryptoError && error.code === "key_unknown") return null;
    throw error;
  }
}

/** A node's sessions by id and by peer. */
export class SessionTable {
  readonly #byId = new Map<string, Session>();
  /** The one made last first. */
  readonly #byPeer = new Map<NodeId, Session[]>();
  #sequence = 0;

  /** A number above that of every session so far. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  get lastSequence(): number {
    return this.#sequence;
  }

  add(session: Session): void {
    this.#byId.set(session.id, session);
    const sessions = [...this.forPeer(session.peer), session];
    this.#byPeer.set(session.peer, sessions.sort((a, b) => b.sequence - a.sequence));
  }

  remove(session: Session): void {
    this.#byId.delete(session.id);
    const left = this.forPeer(session.peer).filter((other) => other !== session);
    if (left.length > 0) this.#byPeer.set(session.peer, left);
    else this.#byPeer.delete(session.peer);
  }

  get(id: string): Session | null {
    return this.#byId.get(id) ?? null;
  }

  all(): Session[] {
    return [...this.#byId.values()];
  }

  /** Everybody there is a session with, confirmed or not. */
  peers(): NodeId[] {
    return [...this.#byPeer.keys()];
  }

  /** Of one peer, the one made last first. */
  forPeer(peer: NodeId): readonly Session[] {
    return this.#byPeer.get(peer) ?? [];
  }

  /** The session to send on: the confirmed one made last. */
  current(peer: NodeId): Session | null {
    return this.forPeer(peer).find((session) => session.confirmed && session.sends) ?? null;
  }
}
