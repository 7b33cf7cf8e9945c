/**
 * Making sealed calls: each is repeated until its answer is there (docs/PROTOCOL.md, "Sealed calls").
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Answered } from "../../modules/api.ts";
import type { Clock, Random } from "../../ports/ports.ts";
import { ERROR_STATUS, type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import { answerHeaderSchema } from "../../protocol/frames.ts";
import { MAX_CALL_ANSWER_BYTES, MAX_CALL_REPEATS } from "../../protocol/limits.ts";
import { CALL_PATHS } from "../../protocol/peer_api.ts";
import { toOneLine } from "../../protocol/one_line.ts";
import { checkGrowth, parseInput } from "../../protocol/schemas.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Carrier } from "../sessions/carrier.ts";
import type { AnswerFrame, CallGate } from "../sessions/module_gate.ts";
import type { Session, SessionTable } from "../sessions/session.ts";
import { Waiters, type WaitOptions } from "../sessions/waiters.ts";
import type { Background } from "../timing/background.ts";
import { Backoff } from "../timing/backoff.ts";

/** As many of one peer's calls a node answers at a time. */
const MAX_CALLS_TO_PEER = 16;
const ASK_BYTES = 16;
const FIRST_REPEAT_MS = 1_000;
const LAST_REPEAT_MS = 32_000;
/** How often the same bytes go; whoever refused them once does not take them later either. */
const SAME_REPEATS = 3;
const MAX_DETAIL_LENGTH = 200;
const COMMON = Object.keys(answerHeaderSchema.entries);

/** How calls leave the node. */
export interface CallCarrier extends Pick<Carrier, "send" | "hasChannel"> {
  /**
   * Posts a frame to the path of its type, and takes the answer that comes with it.
   * @returns Whether the path is worth another try.
   */
  postCall(
    peer: NodeId,
    call: { readonly path: string; readonly frame: Uint8Array; readonly signal: AbortSignal },
  ): Promise<boolean>;
}

export interface AskingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Pick<NodeEvents, "count">;
  readonly background: Background;
  readonly table: SessionTable;
  readonly carrier: CallCarrier;
  /** Sees to it that there will be a session. */
  readonly want: (peer: NodeId) => void;
  /** Waits for one. @throws {OpenRedError} Why there is none. */
  readonly waitForSession: (peer: NodeId, options: WaitOptions) => Promise<Session | null>;
}

/** A call that a module makes. */
export interface OutgoingCall {
  readonly peer: NodeId;
  /** With the whole type. */
  readonly header: Record<string, unknown> & { readonly type: string };
  readonly body?: Uint8Array;
  /** The header members that the module understands in an answer. */
  readonly members: readonly string[];
  readonly waitMs: number;
  /** Fires when nobody waits for the answer. */
  readonly signal: AbortSignal;
}

interface Pending {
  readonly call: OutgoingCall;
  readonly header: Record<string, unknown>;
  readonly resolve: (answer: Answered) => void;
  readonly reject: (error: OpenRedError) => void;
  sealed: { readonly frame: Uint8Array<ArrayBuffer>; readonly session: Session } | null;
  timesSame: number;
  /** Whether the path of its type is tried. */
  usesPath: boolean;
}

/** The sealed calls that one node makes. */
export class Asking implements Pick<CallGate, "answered"> {
  readonly #parts: AskingParts;
  readonly #pending = new Map<string, Pending>();
  readonly #underWay = new Map<NodeId, number>();
  readonly #waiters: Waiters;

  constructor(parts: AskingParts) {
    this.#parts = parts;
    this.#waiters = new Waiters(parts.clock);
  }

  /**
   * Makes a call and waits for its answer.
   * @throws {OpenRedError} What the peer refused it with; `unreachable` where no answer came; `overloaded`.
   */
  async ask(call: OutgoingCall): Promise<Answered> {
    const { peer } = call;
    const underWay = this.#underWay.get(peer) ?? 0;
    if (underWay >= MAX_CALLS_TO_PEER) {
      throw new OpenRedError("overloaded", "Too many calls to this peer are under way");
    }
    this.#underWay.set(peer, underWay + 1);
    try {
      return await this.#answerOf(call);
    } finally {
      const left = this.#underWay.get(peer)! - 1;
      if (left > 0) this.#underWay.set(peer, left);
      else this.#underWay.delete(peer);
    }
  }

  async #answerOf(call: OutgoingCall): Promise<Answered> {
    const { clock, random, background } = this.#parts;
    const ask = encodeBase64Url(random.bytes(ASK_BYTES));
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const header = { ...call.header, ask };
    const usesPath = CALL_PATHS.has(call.header.type);
    const pending = { call, header, resolve, reject, sealed: null, timesSame: 0, usesPath };
    const end = new AbortController();
    const giveUp = () => reject(new OpenRedError("unreachable", "No answer came"));
    const cancel = clock.setTimer(call.waitMs, giveUp);
    call.signal.addEventListener("abort", giveUp, { once: true });
    if (call.signal.aborted) giveUp();
    this.#pending.set(ask, pending);
    background.run("ask", this.#repeat(pending, end.signal), call.peer);
    try {
      return await promise;
    } finally {
      cancel();
      call.signal.removeEventListener("abort", giveUp);
      this.#pending.delete(ask);
      end.abort();
    }
  }

  /** A new session counts: what waits is asked there, at once. */
  confirmed(peer: NodeId): void {
    this.#waiters.wake(peer);
  }

  answered(peer: NodeId, { type, answer, input, body }: AnswerFrame): void {
    const pending = this.#pending.get(answer);
    const isAsked = pending?.call.peer === peer && pending.call.header.type === type;
    if (pending === undefined || !isAsked || body.length > MAX_CALL_ANSWER_BYTES) {
      this.#parts.events.count("frames_dropped");
      return;
    }
    // It counts once.
    this.#pending.delete(answer);
    try {
      checkGrowth(input, { versioned: false, known: [...COMMON, ...pending.call.members] });
      const header = parseInput(answerHeaderSchema, input);
      if (header.error === undefined) pending.resolve({ header, body });
      else pending.reject(refusedWith(header.error, header.detail));
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      pending.reject(error);
    }
  }

  async #repeat(pending: Pending, signal: AbortSignal): Promise<void> {
    const { random } = this.#parts;
    const { peer } = pending.call;
    const backoff = new Backoff(random, { firstMs: FIRST_REPEAT_MS, lastMs: LAST_REPEAT_MS });
    for (let timesSent = 0; timesSent <= MAX_CALL_REPEATS && !signal.aborted;) {
      const session = await this.#session(pending, signal);
      if (session === null) return;
      const frame = await this.#frame(pending, session);
      if (signal.aborted) return;
      if (frame !== null) {
        await this.#send(pending, { frame, isRepeat: timesSent > 0, signal });
        timesSent += 1;
      }
      if (signal.aborted) return;
      await this.#waiters.wait(peer, { waitMs: backoff.next(), signal });
    }
  }

  /** @returns `null` once nobody waits for the answer. */
  async #session(pending: Pending, signal: AbortSignal): Promise<Session | null> {
    const { table, want, waitForSession } = this.#parts;
    const { peer, waitMs } = pending.call;
    const session = table.current(peer);
    if (session !== null) return session;
    want(peer);
    try {
      return await waitForSession(peer, { waitMs, signal });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      pending.reject(new OpenRedError("unreachable", "No answer came", { cause: error }));
      return null;
    }
  }

  /** The same bytes a few times, then sealed anew. @returns `null` where the session's keys have gone. */
  async #frame(pending: Pending, session: Session): Promise<Uint8Array<ArrayBuffer> | null> {
    const { sealed, header, call } = pending;
    if (sealed !== null && sealed.session === session && pending.timesSame < SAME_REPEATS) {
      pending.timesSame += 1;
      return sealed.frame;
    }
    const frame = await session.sealUnlessGone(header, call.body?.slice());
    if (frame === null) return null;
    this.#parts.events.count("frames_sent");
    pending.sealed = { frame, session };
    pending.timesSame = 0;
    return frame;
  }

  /** On the channel first; a repeat goes by POST, since a channel may be half open. */
  async #send(
    pending: Pending,
    { frame, isRepeat, signal }: {
      frame: Uint8Array<ArrayBuffer>;
      isRepeat: boolean;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const { carrier } = this.#parts;
    const { peer, header: { type } } = pending.call;
    const path = CALL_PATHS.get(type);
    const onChannel = !isRepeat && carrier.hasChannel(peer);
    if (onChannel || path === undefined || !pending.usesPath) {
      carrier.send(peer, frame, { post: isRepeat });
    } else {
      pending.usesPath = await carrier.postCall(peer, { path, frame, signal });
    }
  }
}

function refusedWith(error: string, detail = ""): OpenRedError {
  const code: ErrorCode = Object.hasOwn(ERROR_STATUS, error) ? error as ErrorCode : "internal";
  const text = toOneLine(detail).slice(0, MAX_DETAIL_LENGTH);
  return new OpenRedError(code, text === "" ? "The peer refused the call" : text);
}
