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
import { concatBytes } from "../encoding.ts";
import {
  decodeFrameContent,
  decodeFrameHead,
  encodeFrameContent,
  encodeFrameHead,
  frameNonce,
} from "./frame.ts";
import { CryptoError, MAX_FRAME_BYTES, type OpenedFrame, type SealedFrame } from "../interface.ts";
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
  seal(options: {
    nowMs: number;
    mayStep: boolean;
    header: string;
    body: Uint8Array;
    padding: number;
  }): SealedFrame {
    const content = encodeFrameContent(options);
    if (this.#counter >= COUNTER_END) {
      throw new CryptoError("exhausted", "The session has used up its counters");
    }
    this.wipeSpentKeys(options.nowMs);
    if (options.mayStep) this.#sending.stepIfDue(options.nowMs);
    const counter = this.#counter++;
    const { step } = this.#sending;
    const head = encodeFrameHead({ sessionId: this.#sessionId, step, counter });
    const sealed = this.#sending.seal(frameNonce(counter), head, content);
    return { frame: concatBytes(head, sealed), step };
  }

  /** Opens a frame; only one whose tag verifies changes anything. */
  open(options: { nowMs: number; frame: Uint8Array }): OpenedFrame {
    const head = decodeFrameHead(options.frame, this.#sessionId);
    if (head === null) return { outcome: "refused" };
    const counter = Math.min(head.counter, COUNTER_END);
    const place = this.#window.place(counter);
    const plaintext = this.#receiving.open({ ...head, nowMs: options.nowMs });
    if (plaintext === null) return { outcome: "refused" };
    if (place === "below") return { outcome: "dropped" };
    if (place === "new") this.#window.accept(counter);
    const content = counter < COUNTER_END ? decodeFrameContent(plaintext) : null;
    if (content === null) return { outcome: "dropped" };
    const outcome = place === "new" ? "opened" : "repeat";
    return { outcome, ...content, step: head.step, counter };
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
  const { header, nowMs, mayStep, body = EMPTY, padding = 0 } = options;
  const session = parts.ring.get(options.session, SessionCipher);
  checkNumber(nowMs, "nowMs");
  checkText(header, MAX_FRAME_BYTES, "a header");
  checkByteArray(body, "a body");
  checkInteger(padding, MAX_FRAME_BYTES, "padding");
  return session.seal({ header, nowMs, mayStep: mayStep === true, body, padding });
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
