/**
 * Messages of a WebSocket, put together from their frames while every byte is counted.
 *
 * @module
 */
import { GrowingBytes } from "./growing_bytes.ts";
import type { Hold } from "./held_bytes.ts";
import type { Socket } from "./system_socket.ts";
import {
  applyMask,
  CLOSE_CODE,
  FrameFault,
  type FrameHead,
  OPCODE,
  readCloseCode,
  readFrameHead,
} from "./websocket_frames.ts";

const MAX_FRAME_HEAD_BYTES = 14;
/** What small frames are read in. */
const CHUNK_BYTES = 16 * 1024;
const MAX_FRAGMENTS = 4_096;

/** What comes on a WebSocket. */
export type Incoming =
  | {
    readonly kind: "binary";
    readonly data: Uint8Array<ArrayBuffer>;
    /** `false` for a part that is not the last of its message. */
    readonly isLast: boolean;
  }
  | { readonly kind: "text" }
  | { readonly kind: "ping"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number };

export interface MessageReaderParts {
  readonly socket: Pick<Socket, "held" | "heldBytes" | "skip" | "fill" | "read">;
  /** Whether the other end opened the channel. */
  readonly isMasked: boolean;
  readonly maxMessageBytes: number;
  /** Binary messages are given in parts of at most so many bytes, a multiple of 4, as they come; whole ones for `null`. */
  readonly partBytes: number | null;
  /** Counts what has come of a message that is not whole. */
  readonly hold: Hold;
  readonly nowMs: () => number;
  /** Called for whatever comes. */
  readonly heard: () => void;
}

/** Reads one WebSocket. */
export class MessageReader {
  readonly #parts: MessageReaderParts;
  readonly #message = new GrowingBytes();
  /** The opcode of the message under way, or `null` between two. */
  #opcode: number | null = null;
  #fragments = 0;
  /** Bytes of the message under way that were given in parts. */
  #givenBytes = 0;
  /** The frame that is being given in parts, and what is left of it. */
  #open: { readonly head: FrameHead; left: number } | null = null;
  #beganMs: number | null = null;

  constructor(parts: MessageReaderParts) {
    this.#parts = parts;
  }

  /** When the message under way began, or `null` between two. */
  get beganMs(): number | null {
    return this.#beganMs;
  }

  /**
   * Reads to the next message or control frame.
   * @returns `null` at the end of the connection.
   * @throws {FrameFault} For what is no WebSocket (1002), too large (1009) or too much (1008).
   * @throws {Error} Where the connection broke.
   */
  async next(): Promise<Incoming | null> {
    for (;;) {
      if (this.#open !== null) return await this.#part(this.#open);
      const head = await this.#readHead();
      if (head === null) return null;
      const incoming = head.opcode >= OPCODE.close
        ? await this.#control(head)
        : await this.#data(head);
      if (incoming !== "more") return incoming;
    }
  }

  async #readHead(): Promise<FrameHead | null> {
    const { socket, isMasked, heard } = this.#parts;
    for (;;) {
      const head = readFrameHead(socket.held.subarray(0, MAX_FRAME_HEAD_BYTES), isMasked);
      if (head !== null) {
        socket.skip(head.headBytes);
        return head;
      }
      if (!await socket.fill(CHUNK_BYTES)) return null;
      heard();
    }
  }

  async #control(head: FrameHead): Promise<Incoming | null> {
    const { socket, heard } = this.#parts;
    while (socket.heldBytes < head.length) {
      if (!await socket.fill(CHUNK_BYTES)) return null;
      heard();
    }
    const data = socket.held.slice(0, head.length);
    socket.skip(head.length);
    if (head.mask !== null) applyMask(data, head.mask);
    if (head.opcode === OPCODE.ping) return { kind: "ping", data };
    if (head.opcode === OPCODE.pong) return { kind: "pong" };
    return { kind: "close", code: readCloseCode(data) };
  }

  async #data(head: FrameHead): Promise<Incoming | null | "more"> {
    this.#judge(head);
    if (this.#parts.partBytes !== null && this.#opcode === OPCODE.binary) {
      this.#open = { head, left: head.length };
      return "more";
    }
    const start = this.#message.length;
    if (!await this.#readPayload(head.length)) return null;
    if (head.mask !== null) applyMask(this.#message.from(start), head.mask);
    if (!head.isFinal) return "more";
    const isText = this.#opcode === OPCODE.text;
    const data = this.#message.take();
    this.#endMessage();
    return isText ? { kind: "text" } : { kind: "binary", data, isLast: true };
  }

  /** The next part of a frame; its mask begins anew with each, since all but the last are of whole words. */
  async #part(open: { readonly head: FrameHead; left: number }): Promise<Incoming | null> {
    const { head } = open;
    const length = Math.min(open.left, this.#parts.partBytes!);
    if (!await this.#readPayload(length)) return null;
    const data = this.#message.take();
    if (head.mask !== null) applyMask(data, head.mask);
    this.#parts.hold.release();
    this.#givenBytes += length;
    open.left -= length;
    if (open.left === 0) this.#open = null;
    const isLast = open.left === 0 && head.isFinal;
    if (isLast) this.#endMessage();
    return { kind: "binary", data, isLast };
  }

  #endMessage(): void {
    this.#parts.hold.release();
    this.#opcode = null;
    this.#beganMs = null;
    this.#fragments = 0;
    this.#givenBytes = 0;
  }

  #judge(head: FrameHead): void {
    if ((head.opcode === OPCODE.continuation) !== (this.#opcode !== null)) {
      throw new FrameFault(CLOSE_CODE.protocol, "Received a part of another message");
    }
    this.#opcode ??= head.opcode;
    this.#beganMs ??= this.#parts.nowMs();
    const had = this.#message.length + this.#givenBytes;
    if (had + head.length > this.#parts.maxMessageBytes) {
      throw new FrameFault(CLOSE_CODE.tooLarge, "Received a message that is too large");
    }
    this.#fragments += 1;
    if (this.#fragments > MAX_FRAGMENTS) {
      throw new FrameFault(CLOSE_CODE.policy, "Received a message in too many parts");
    }
  }

  /** @returns `false` where the connection ended. */
  async #readPayload(length: number): Promise<boolean> {
    for (let left = length; left > 0;) {
      const some = await this.#parts.socket.read(this.#message.room(left));
      if (some === null) return false;
      this.#parts.heard();
      if (!this.#parts.hold.grow(some)) {
        throw new FrameFault(CLOSE_CODE.policy, "Too much is being sent at once");
      }
      this.#message.grow(some);
      left -= some;
    }
    return true;
  }
}
