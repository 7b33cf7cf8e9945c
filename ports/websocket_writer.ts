/**
 * Frames on their way out of a WebSocket: those that wait together leave together.
 *
 * @module
 */
import type { Socket } from "./system_socket.ts";
import { encodeFrame, OPCODE } from "./websocket_frames.ts";

/** What is written at a time at most, unless one frame is larger. */
const BATCH_BYTES = 64 * 1024;

export interface FrameWriterParts {
  /** Four fresh random bytes, or `null` at the end that accepted. */
  readonly mask: () => Uint8Array<ArrayBuffer> | null;
  /** Called where the connection broke. */
  readonly failed: () => void;
}

/** Writes one WebSocket, from {@linkcode FrameWriter.attach} on. */
export class FrameWriter {
  readonly #parts: FrameWriterParts;
  #socket: Pick<Socket, "write" | "writtenBytes"> | null = null;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #pong: Uint8Array<ArrayBuffer> | null = null;
  #writing: Promise<void> | null = null;
  #seenBytes = 0;
  /** Whether a message has begun whose last part was not sent yet. */
  #isInMessage = false;

  constructor(parts: FrameWriterParts) {
    this.#parts = parts;
  }

  /** Bytes that have not left this machine yet. */
  get bufferedBytes(): number {
    return this.#waitingBytes;
  }

  attach(socket: Pick<Socket, "write" | "writtenBytes">): void {
    this.#socket = socket;
    this.#start();
  }

  send(opcode: number, payload: Uint8Array): void {
    this.#push(encodeFrame(opcode, payload, this.#parts.mask()));
  }

  /** A binary message, or a part of one. */
  sendPart(payload: Uint8Array, isLast: boolean): void {
    const opcode = this.#isInMessage ? OPCODE.continuation : OPCODE.binary;
    this.#isInMessage = !isLast;
    this.#push(encodeFrame(opcode, payload, this.#parts.mask(), isLast));
  }

  #push(frame: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    this.#start();
  }

  /** Answers a ping. Only the last one that could not be answered yet is: nobody fills memory with pings. */
  pong(payload: Uint8Array): void {
    this.#pong = encodeFrame(OPCODE.pong, payload, this.#parts.mask());
    this.#start();
  }

  /** Resolves when nothing waits any more, or the connection broke. */
  async flushed(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** @returns Whether something waits and nothing has left since the last time this was asked. */
  isStuck(): boolean {
    const writtenBytes = this.#socket?.writtenBytes ?? 0;
    const isStuck = this.#writing !== null && writtenBytes === this.#seenBytes;
    this.#seenBytes = writtenBytes;
    return isStuck;
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#pong = null;
  }

  #start(): void {
    if (this.#socket === null || this.#writing !== null) return;
    this.#writing = this.#writeAll(this.#socket).finally(() => {
      this.#writing = null;
      if (this.#hasMore()) this.#start();
    });
  }

  #hasMore(): boolean {
    return this.#waiting.length > 0 || this.#pong !== null;
  }

  async #writeAll(socket: Pick<Socket, "write">): Promise<void> {
    try {
      while (this.#hasMore()) {
        const batch = this.#takeBatch();
        await socket.write(batch);
        this.#waitingBytes = Math.max(0, this.#waitingBytes - batch.length);
      }
    } catch {
      this.clear();
      this.#parts.failed();
    }
  }

  #takeBatch(): Uint8Array<ArrayBuffer> {
    if (this.#pong !== null) {
      const pong = this.#pong;
      this.#pong = null;
      this.#waitingBytes += pong.length;
      return pong;
    }
    let count = 0;
    let length = 0;
    while (count < this.#waiting.length) {
      const next = this.#waiting[count]!.length;
      if (count > 0 && length + next > BATCH_BYTES) break;
      length += next;
      count += 1;
    }
    const frames = this.#waiting.splice(0, count);
    if (frames.length === 1) return frames[0]!;
    const batch = new Uint8Array(length);
    let at = 0;
    for (const frame of frames) {
      batch.set(frame, at);
      at += frame.length;
    }
    return batch;
  }
}
