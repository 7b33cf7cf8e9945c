/**
 * A session's keys with their counters and window, and the calls that use them.
 *
 * @module
 * @see docs/PROTOCOL.md, "Frames"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkByteArray, checkInteger, checkNumber, checkText } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import {
  decodeFrameHead,
  decodeMessages,
  encodeFrame,
  type FrameInside,
  frameNonce,
} from "./frame.ts";
import {
  CryptoError,
  type FrameMessage,
  MAX_FRAME_BYTES,
  MAX_FRAME_MESSAGES,
  type OpenedFrame,
  type SealedFrame,
} from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import { type RatchetParts, ReceiveRatchet, SendRatchet } from "./ratchet.ts";
import { ReplayWindow } from "./replay_window.ts";

/** Counters stay below it; a frame with more is authentic nonsense. */
const COUNTER_END = 2 ** 53;
const EMPTY = new Uint8Array(0);

/** What a session starts from. The chains are its own from here on. */
export interface SessionStart {
  /** 16 bytes. */
  readonly sessionId: Uint8Array;
  /** The method of the pair the session was made with. */
  readonly method: string;
  /** 32 bytes each. */
  readonly sendChain: Uint8Array;
  readonly receiveChain: Uint8Array;
  /** Milliseconds, monotonic: when the first step of the sending direction began. */
  readonly nowMs: number;
}

/** What seals and opens the frames of one side of a session. */
export class SessionCipher implements Held {
  readonly #sessionId: Uint8Array;
  readonly #sending: SendRatchet;
  readonly #receiving: ReceiveRatchet;
  readonly #window = new ReplayWindow();
  #counter = 0;

  constructor(parts: RatchetParts, start: SessionStart) {
    const { sessionId, method, nowMs } = start;
    this.#sessionId = new Uint8Array(sessionId);
    this.#sending = new SendRatchet(parts, { chain: start.sendChain, method, nowMs });
    this.#receiving = new ReceiveRatchet(parts, { chain: start.receiveChain, method });
  }

  /**
   * Seals the next frame.
   * @throws {CryptoError} `bad_argument` for a header or frame that is too large; `exhausted`.
   */
  seal(options: FrameInside & { nowMs: number; mayStep: boolean }): SealedFrame {
    const { nowMs, mayStep } = options;
    this.wipeSpentKeys(nowMs);
    const { frame, aad, text } = encodeFrame(options, () => this.#nextHead({ nowMs, mayStep }));
    this.#sending.seal(frameNonce(this.#counter - 1), aad, text);
    return { frame, step: this.#sending.step };
  }

  /** The head of the next frame, which uses up its counter. */
  #nextHead({ nowMs, mayStep }: { nowMs: number; mayStep: boolean }) {
    if (this.#counter >= COUNTER_END) {
      throw new CryptoError("exhausted", "The session has used up its counters");
    }
    if (mayStep) this.#sending.stepIfDue(nowMs);
    const counter = this.#counter++;
    return { sessionId: this.#sessionId, step: this.#sending.step, counter };
  }

  /** Opens a frame; only one whose tag verifies changes anything. */
  open(options: { nowMs: number; frame: Uint8Array }): OpenedFrame {
    const head = decodeFrameHead(options.frame, this.#sessionId);
    if (head === null) return { outcome: "refused" };
    const { step } = head;
    const counter = Math.min(head.counter, COUNTER_END);
    const place = this.#window.place(counter);
    const plaintext = this.#receiving.open({ ...head, nowMs: options.nowMs });
    if (plaintext === null) return { outcome: "refused" };
    if (place === "below") return { outcome: "dropped" };
    if (place === "new") this.#window.accept(counter);
    const messages = counter < COUNTER_END ? decodeMessages(plaintext) : null;
    if (messages === null) return { outcome: "dropped" };
    const outcome = place === "new" ? "opened" : "repeat";
    const [{ header, body }, ...more] = messages as [FrameMessage, ...FrameMessage[]];
    const opened = { outcome, header, body, step, counter } as const;
    return more.length === 0 ? opened : { ...opened, more };
  }

  /** Wipes the receiving keys whose two minutes are over. */
  wipeSpentKeys(nowMs: number): void {
    this.#receiving.wipeOld(nowMs);
  }

  wipe(): void {
    this.#sending.wipe();
    this.#receiving.wipe();
    wipe(this.#sessionId);
  }
}

function seal(parts: CoreParts, options: Parameters<CallTable["seal"]>[0]): SealedFrame {
  const { header, nowMs, mayStep, body = EMPTY, more = [], padding = 0 } = options;
  const session = parts.ring.get(options.session, SessionCipher);
  checkNumber(nowMs, "nowMs");
  checkInteger(padding, MAX_FRAME_BYTES, "padding");
  if (!Array.isArray(more) || more.length >= MAX_FRAME_MESSAGES) {
    throw new CryptoError("bad_argument", `Expected at most ${MAX_FRAME_MESSAGES} messages`);
  }
  const messages = [{ header, body }, ...more];
  for (const message of messages) {
    checkText(message.header, MAX_FRAME_BYTES, "a header");
    checkByteArray(message.body, "a body");
  }
  return session.seal({ nowMs, mayStep: mayStep === true, messages, padding });
}

function open(parts: CoreParts, options: Parameters<CallTable["open"]>[0]): OpenedFrame {
  const session = parts.ring.get(options.session, SessionCipher);
  checkNumber(options.nowMs, "nowMs");
  checkByteArray(options.frame, "a frame");
  return session.open(options);
}

export function createSessionCalls(
  parts: CoreParts,
): Pick<CallTable, "seal" | "open" | "wipeSpentKeys"> {
  return {
    seal: (options) => seal(parts, options),
    open: (options) => open(parts, options),
    wipeSpentKeys: ({ nowMs }) => {
      checkNumber(nowMs, "nowMs");
      for (const session of parts.ring.all(SessionCipher)) session.wipeSpentKeys(nowMs);
    },
  };
}
