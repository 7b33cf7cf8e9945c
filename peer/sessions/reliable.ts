/**
 * Acknowledged frames: kept and repeated until a `core.ack` names them (docs/PROTOCOL.md, "Acknowledgement").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError } from "../../crypto/interface.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { RECEIVE_LONGER_MS } from "../../protocol/limits.ts";
import type { Background } from "../timing/background.ts";
import { Backoff } from "../timing/backoff.ts";
import type { Bundles } from "./bundles.ts";
import type { Carrier } from "./carrier.ts";
import { type MessageTraces, type SendingTrace, TRACE_MEMBER } from "./message_traces.ts";
import type { Session, SessionTable } from "./session.ts";

const FIRST_REPEAT_MS = 1_000;
const LAST_REPEAT_MS = 60_000;
/** How often the same bytes go again before the message is sealed anew: a peer that refused them once refuses them always. */
const SAME_REPEATS = 3;

export interface ReliableMessage {
  readonly peer: NodeId;
  /** Unique for this node; the same whenever the message goes again. */
  readonly id: string;
  readonly header: Record<string, unknown>;
  readonly body?: Uint8Array;
  /** A message that makes sense on this one session only. */
  readonly onlyOn?: Session;
  /** Called once, with the milliseconds since it was first sent. */
  readonly acknowledged: (rttMs: number) => void;
  /** Called once instead, when it is forgotten without an acknowledgement. */
  readonly dropped?: () => void;
  /** Called once instead of `dropped`, when the peer has refused it. */
  readonly refused?: () => void;
}

interface Sealed {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly session: Session;
  readonly step: number;
  /** Whether others are in the frame; such a message is repeated in one of its own. */
  readonly isShared: boolean;
}

interface Pending {
  readonly message: ReliableMessage;
  readonly trace: SendingTrace | null;
  readonly backoff: Backoff;
  sealed: Sealed | null;
  firstSentMs: number | null;
  /** How often it was sent, on any session. */
  timesSent: number;
  sending: boolean;
  cancelTimer: (() => void) | null;
}

/** With the id, and what the peer is to know of the span. */
function headerOf({ message: { header, id }, trace }: Pending): Record<string, unknown> {
  const member = trace?.member ?? null;
  return member === null ? { ...header, id } : { ...header, id, [TRACE_MEMBER]: member };
}

/** Keeps and repeats what wants an acknowledgement. */
export class ReliableSender {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #table: SessionTable;
  readonly #carrier: Carrier;
  readonly #bundles: Bundles;
  readonly #background: Background;
  readonly #acknowledged: (rttMs: number) => void;
  readonly #traces: MessageTraces | null;
  readonly #pending = new Map<string, Pending>();
  #stopped = false;

  constructor(
    parts: {
      clock: Clock;
      random: Random;
      table: SessionTable;
      carrier: Carrier;
      bundles: Bundles;
      background: Background;
      /** Told how long each message waited for its acknowledgement. */
      acknowledged?: (rttMs: number) => void;
      traces?: MessageTraces | null;
    },
  ) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#table = parts.table;
    this.#carrier = parts.carrier;
    this.#bundles = parts.bundles;
    this.#background = parts.background;
    this.#acknowledged = parts.acknowledged ?? (() => {});
    this.#traces = parts.traces ?? null;
  }

  /** How many messages to a peer wait for their acknowledgement. */
  waiting(peer: NodeId): number {
    return this.#of(peer).length;
  }

  /** Sends a message now, or as soon as there is a session; one of the same id is left as it is. */
  send(message: ReliableMessage): void {
    if (this.#stopped || this.#pending.has(message.id)) return;
    const pending: Pending = {
      message,
      trace: this.#traceOf(message),
      backoff: new Backoff(this.#random, { firstMs: FIRST_REPEAT_MS, lastMs: LAST_REPEAT_MS }),
      sealed: null,
      firstSentMs: null,
      timesSent: 0,
      sending: false,
      cancelTimer: null,
    };
    this.#pending.set(message.id, pending);
    this.#background.run("transmit", this.#transmit(pending), pending.message.peer);
  }

  /** Of what modules send. */
  #traceOf({ peer, header }: ReliableMessage): SendingTrace | null {
    const type = String(header.type);
    if (this.#traces === null || type.startsWith("core.")) return null;
    return this.#traces.sending(peer, type);
  }

  /** Takes an acknowledgement from `peer`; an id that waits for nobody is ignored. */
  acknowledge(peer: NodeId, id: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.message.peer !== peer) return;
    this.#drop(pending);
    const rttMs = this.#clock.monotonicMs() - (pending.firstSentMs ?? this.#clock.monotonicMs());
    // After a repeat nobody knows which one was acknowledged.
    if (pending.sealed !== null && pending.timesSent === 1) pending.sealed.session.rttMs = rttMs;
    this.#acknowledged(rttMs);
    pending.trace?.end("acknowledged");
    pending.message.acknowledged(rttMs);
  }

  /** Takes from `peer` that it will not store a message: it is repeated no more. */
  refuse(peer: NodeId, id: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.message.peer !== peer) return;
    const { refused, dropped } = pending.message;
    this.#drop(pending);
    pending.trace?.end("refused");
    (refused ?? dropped)?.();
  }

  /** Sends again, on the session that counts now, what waits for a peer. */
  resend(peer: NodeId): void {
    for (const pending of this.#of(peer)) {
      if (
        pending.sealed?.session.sends === true &&
        pending.sealed.session === this.#sessionFor(pending)
      ) {
        continue;
      }
      pending.cancelTimer?.();
      this.#background.run("transmit", this.#transmit(pending), pending.message.peer);
    }
  }

  /** Forgets what was meant for one session that is over. */
  forget(session: Session): void {
    for (const pending of this.#of(session.peer)) {
      if (pending.message.onlyOn === session) this.#giveUp(pending);
    }
  }

  /** Forgets a message that need not go any more. */
  cancel(id: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) this.#giveUp(pending);
  }

  /** Forgets everything that waits for a peer. */
  forgetPeer(peer: NodeId): void {
    for (const pending of this.#of(peer)) this.#giveUp(pending);
  }

  stop(): void {
    this.#stopped = true;
    for (const pending of this.#pending.values()) this.#giveUp(pending);
  }

  #of(peer: NodeId): Pending[] {
    return [...this.#pending.values()].filter(({ message }) => message.peer === peer);
  }

  #drop(pending: Pending): void {
    pending.cancelTimer?.();
    this.#pending.delete(pending.message.id);
  }

  #giveUp(pending: Pending): void {
    this.#drop(pending);
    pending.trace?.end("dropped");
    pending.message.dropped?.();
  }

  #sessionFor({ message }: Pending): Session | null {
    if (message.onlyOn === undefined) return this.#table.current(message.peer);
    return message.onlyOn.sends ? message.onlyOn : null;
  }

  async #transmit(pending: Pending): Promise<void> {
    if (pending.sending) return;
    const session = this.#sessionFor(pending);
    if (session === null) return;
    pending.sending = true;
    try {
      const mayShare = pending.timesSent === 0 && pending.message.onlyOn === undefined;
      const hasLeft = mayShare
        ? await this.#sendShared(pending, session)
        : await this.#sendAlone(pending, session);
      if (!hasLeft || this.#pending.get(pending.message.id) !== pending) return;
      pending.trace?.left();
      pending.firstSentMs ??= this.#clock.monotonicMs();
      pending.timesSent += 1;
      pending.cancelTimer = this.#clock.setTimer(pending.backoff.next(), () => {
        this.#background.run("transmit", this.#transmit(pending), pending.message.peer);
      });
    } catch (error) {
      if (!(error instanceof CryptoError) || error.code !== "key_unknown") throw error;
    } finally {
      pending.sending = false;
    }
  }

  /** @returns Whether it has left. */
  async #sendShared(pending: Pending, session: Session): Promise<boolean> {
    const { id, body } = pending.message;
    const isWanted = () => this.#pending.get(id) === pending;
    const carried = await this.#bundles.send(session, {
      header: headerOf(pending),
      body,
      isWanted,
    });
    if (carried === null) return false;
    const { frame, step, isShared } = carried;
    pending.sealed = { frame, step, isShared, session };
    return true;
  }

  /** @returns Whether it has left. */
  async #sendAlone(pending: Pending, session: Session): Promise<boolean> {
    const sealed = this.#reusable(pending, session) ?? await this.#seal(pending, session);
    if (this.#pending.get(pending.message.id) !== pending) return false;
    this.#carrier.send(session.peer, sealed.frame, { post: pending.timesSent > 0 });
    return true;
  }

  /** The same bytes again, unless the message was repeated enough or their keys may be gone. */
  #reusable(pending: Pending, session: Session): Sealed | null {
    const { sealed } = pending;
    if (sealed === null || sealed.isShared || sealed.session !== session) return null;
    if (pending.timesSent > SAME_REPEATS) return null;
    const stepOver = sealed.step !== session.step && session.stepAgeMs >= RECEIVE_LONGER_MS;
    return stepOver ? null : sealed;
  }

  async #seal(pending: Pending, session: Session): Promise<Sealed> {
    const { body } = pending.message;
    const frame = await session.seal(headerOf(pending), body?.slice());
    pending.sealed = { frame, session, step: session.step, isShared: false };
    return pending.sealed;
  }
}
