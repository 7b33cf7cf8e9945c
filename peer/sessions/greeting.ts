/**
 * `core.hello`, and other frames of one session that nobody acknowledges (docs/PROTOCOL.md, "Confirmation").
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import { CONFIRMATION_MS, MAX_FRAME_MESSAGES } from "../../protocol/limits.ts";
import type { Background } from "../timing/background.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Carrier } from "./carrier.ts";
import { clockForPeers } from "./peer_clocks.ts";
import type { Session, SessionTable } from "./session.ts";

const FIRST_REPEAT_MS = 1_000;
const LAST_REPEAT_MS = 15_000;
const ANSWER_PAUSE_MS = 1_000;
/** It says how many messages this node takes in one frame, and that it takes handshakes. */
const HELLO = { type: "core.hello", messages: MAX_FRAME_MESSAGES, handshakes: true };

export interface GreetingParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly background: Background;
  readonly table: SessionTable;
  readonly carrier: Carrier;
}

/** Says hello and answers it, and ticks where a direction is idle. */
export class Greeting {
  readonly #parts: GreetingParts;

  constructor(parts: GreetingParts) {
    this.#parts = parts;
  }

  /**
   * Says hello, the same bytes with back-off, until a frame of the peer has opened. Repeats go by POST: an open channel
   * may be half open.
   * @returns Whether the session was confirmed.
   */
  async greet(session: Session, signal: AbortSignal): Promise<boolean> {
    const { carrier, table } = this.#parts;
    // Its keys go when it leaves the table.
    if (table.get(session.id) !== session) return false;
    const frame = await session.seal(this.#hello());
    let post = false;
    for (let delayMs = FIRST_REPEAT_MS;; delayMs = Math.min(2 * delayMs, LAST_REPEAT_MS)) {
      carrier.send(session.peer, frame.slice(), { post });
      post = true;
      const leftMs = CONFIRMATION_MS - session.ageMs;
      if (await this.#isConfirmedWithin(session, Math.min(delayMs, leftMs), signal)) return true;
      if (session.ageMs >= CONFIRMATION_MS || table.get(session.id) !== session) return false;
    }
  }

  async #isConfirmedWithin(
    session: Session,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    session.onConfirmed = resolve;
    const cancel = this.#parts.clock.setTimer(delayMs, resolve);
    try {
      await promise;
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
      session.onConfirmed = null;
    }
    return session.confirmed;
  }

  /** Answers a hello, at most once a second. */
  answer(session: Session): void {
    if (session.role !== "responder" || !session.sends) return;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - session.helloAnsweredMs < ANSWER_PAUSE_MS) return;
    session.helloAnsweredMs = nowMs;
    this.#send("hello", { session, header: this.#hello() });
  }

  #hello(): Record<string, unknown> {
    return { ...HELLO, at: clockForPeers(this.#parts.clock.nowMs()) };
  }

  /** Moves an idle direction on. */
  tick(session: Session): void {
    this.#send("tick", { session, header: { type: "core.tick" } });
  }

  #send(
    name: "hello" | "tick",
    { session, header }: { session: Session; header: Record<string, unknown> },
  ): void {
    this.#parts.background.run(name, this.#sealAndSend(session, header), session.peer);
  }

  async #sealAndSend(session: Session, header: Record<string, unknown>): Promise<void> {
    const { events, carrier } = this.#parts;
    const frame = await session.sealUnlessGone(header);
    if (frame === null) return;
    events.count("frames_sent");
    carrier.send(session.peer, frame);
  }
}
