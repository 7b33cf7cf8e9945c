/**
 * The body of a request, read from its socket when somebody asks for it and no sooner.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { Hold } from "./held_bytes.ts";
import type { BodyFraming } from "./http_head.ts";
import type { Socket } from "./system_socket.ts";

const PART_BYTES = 16 * 1024;
/** The length of a chunk, with what may follow it on its line. */
const MAX_CHUNK_LINE_BYTES = 256;
const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const LINE_FEED = 10;

export interface BodyParts {
  readonly socket: Socket;
  readonly framing: Exclude<BodyFraming, { kind: "none" }>;
  /** Whether the client waits for a word before it sends. */
  readonly expectsContinue: boolean;
  readonly hold: Hold;
  /** Called when the reading begins; whenever more has come, of a body that takes its time. */
  readonly started: () => void;
  /** Called when all of it was read. */
  readonly ended: () => void;
}

/** One body. */
export class RequestBody {
  readonly #parts: BodyParts;
  /** Bytes left of the body, or of the chunk that is being read. */
  #left: number;
  #isStarted = false;
  #isEnded = false;
  #isFirstChunk = true;
  #takesTime = false;

  constructor(parts: BodyParts) {
    this.#parts = parts;
    const { framing } = parts;
    this.#left = framing.kind === "length" ? framing.bytes : 0;
  }

  /** From now on its pauses are limited alone, and only the part that was read last is held. */
  takeTime(): void {
    this.#takesTime = true;
  }

  /** Whether all of it was read. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /**
   * Reads some of it into `target`.
   * @returns How many bytes, or `null` at its end.
   * @throws {OpenRedError} `overloaded` where its source, or everybody together, holds too much memory.
   * @throws {Error} Where it broke off, or is no body.
   */
  async read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#isEnded) return null;
    if (!this.#isStarted) await this.#start();
    if (this.#left === 0 && this.#parts.framing.kind === "chunked") await this.#nextChunk();
    if (this.#isEnded) return null;
    const length = await this.#parts.socket.read(target.subarray(0, this.#left));
    if (length === null) throw new Error("The body broke off");
    if (this.#takesTime) {
      this.#parts.hold.release();
      this.#parts.started();
    }
    if (!this.#parts.hold.grow(length)) {
      throw new OpenRedError("overloaded", "Too much is being sent at once", {
        retryAfterMs: 1_000,
      });
    }
    this.#left -= length;
    if (this.#left === 0 && this.#parts.framing.kind === "length") this.#end();
    return length;
  }

  /** Reads all that is left of it. @throws As {@linkcode read}. */
  async readAll(): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new GrowingBytes();
    const isKnown = this.#parts.framing.kind === "length";
    while (!this.#isEnded) {
      const length = await this.read(whole.room(isKnown ? this.#left : PART_BYTES));
      if (length !== null) whole.grow(length);
    }
    return whole.take();
  }

  /** The same as a stream, read as its reader asks. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const part = new Uint8Array(PART_BYTES);
        const length = await this.read(part);
        if (length === null) controller.close();
        else controller.enqueue(part.subarray(0, length));
      },
    }, { highWaterMark: 0 });
  }

  async #start(): Promise<void> {
    this.#isStarted = true;
    this.#parts.started();
    if (this.#parts.expectsContinue && this.#parts.socket.heldBytes === 0) {
      await this.#parts.socket.write(CONTINUE);
    }
  }

  #end(): void {
    this.#isEnded = true;
    this.#parts.ended();
  }

  async #nextChunk(): Promise<void> {
    if (!this.#isFirstChunk && await this.#readLine() !== "") {
      throw new Error("A chunk is longer than it said");
    }
    this.#isFirstChunk = false;
    const size = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e]*)?$/.exec(await this.#readLine())?.[1];
    if (size === undefined) throw new Error("Received a chunk without a length");
    this.#left = Number.parseInt(size, 16);
    if (this.#left > 0) return;
    // Trailers would be headers that came after everything was judged.
    if (await this.#readLine() !== "") throw new Error("Received trailers");
    this.#end();
  }

  async #readLine(): Promise<string> {
    const { socket } = this.#parts;
    for (;;) {
      const end = socket.held.indexOf(LINE_FEED);
      if (end >= 0) {
        const line = String.fromCharCode(...socket.held.subarray(0, end));
        socket.skip(end + 1);
        if (!line.endsWith("\r")) throw new Error("Received a line without its end");
        return line.slice(0, -1);
      }
      if (!await socket.fill(MAX_CHUNK_LINE_BYTES)) throw new Error("The body broke off");
    }
  }
}
