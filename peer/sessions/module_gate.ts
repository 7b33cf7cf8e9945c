/**
 * The ways from a session to the modules, as sessions see them.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";

/** A frame of a module, out of a confirmed session. */
export interface ModuleFrame {
  readonly type: string;
  readonly id: string | undefined;
  readonly input: unknown;
  readonly body: Uint8Array;
}

/** The only way of frames that are no sealed calls. */
export interface ModuleGate {
  /**
   * Hands a frame to its module, if its peer may.
   * @returns Whether it is to be acknowledged.
   * @throws {OpenRedError} For a frame that is dropped and counted.
   */
  take(peer: NodeId, frame: ModuleFrame): Promise<boolean>;
  /** Tells whether a repeat is acknowledged: only if the first was, and never to a blocked peer. */
  has(peer: NodeId, message: { readonly type: string; readonly id: string }): boolean;
  /**
   * Tells whether a frame that was not taken is refused, as things stand: no module takes its type, or not from this
   * peer. A blocked peer is told nothing.
   */
  refuses(peer: NodeId, frame: Pick<ModuleFrame, "type" | "input">): boolean;
}

/** A sealed call, out of a confirmed session. */
export interface CallFrame {
  readonly type: string;
  /** 16 bytes, base64url. */
  readonly ask: string;
  /** The header as it came: JSON text. */
  readonly header: string;
  readonly input: unknown;
  readonly body: Uint8Array;
  /** Whether these bytes came for the first time. */
  readonly fresh: boolean;
}

/** What becomes of a sealed call now, for the POST that carried it. */
export type CallEnd =
  | { readonly kind: "answered"; readonly frame: Uint8Array }
  /** The answer follows as a frame of its own, or there is none. */
  | { readonly kind: "later" }
  /** Its peer is blocked: the session is one that nobody knows. */
  | { readonly kind: "unknown" };

/** The answer to a sealed call of this node. */
export interface AnswerFrame {
  readonly type: string;
  /** The `ask` of the call. */
  readonly answer: string;
  readonly input: unknown;
  readonly body: Uint8Array;
}

/** The only way of sealed calls and of their answers. */
export interface CallGate {
  /**
   * Has a sealed call answered.
   * @param via `frame`: the answer goes as a frame of its own. `post`: it is given back, if it comes within ten seconds.
   * @throws {OpenRedError} `rate_limited` for one that was repeated too often.
   */
  call(peer: NodeId, call: CallFrame, via: "frame" | "post"): Promise<CallEnd>;
  /** Hands an answer to whoever waits for it; nobody may. */
  answered(peer: NodeId, answer: AnswerFrame): void;
}
