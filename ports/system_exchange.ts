/**
 * The requests of one connection, one after the other.
 *
 * @module
 */
import type { HeldBytes, Hold } from "./held_bytes.ts";
import { type HeadRefusal, MAX_HEAD_BYTES, parseHead, type RequestHead } from "./http_head.ts";
import type { ListenerLimits } from "./listener_limits.ts";
import { type AnswerBuffers, refusalBytes, writeAnswer } from "./system_answer.ts";
import { RequestBody } from "./system_body.ts";
import {
  type RequestConnection,
  SocketRequest,
  type TakenSocket,
  type Takeover,
} from "./system_request.ts";
import type { Socket } from "./system_socket.ts";

/** What is read and dropped of a request that was answered before it had come whole. */
const MAX_LINGER_BYTES = 4 * 2 ** 20;

/** What a connection is at, which says who is closed first where there is no room. */
export type ExchangeState = "waiting" | "reading" | "answering" | "channel";

export interface ExchangeParts {
  readonly socket: Socket;
  /** The address of the other end. */
  readonly address: string;
  /** Whom the bytes of a request are counted for. */
  readonly sourceOf: (headers: RequestHead["headers"]) => string;
  readonly limits: ListenerLimits;
  readonly held: HeldBytes;
  /** What the answers of all connections are written in. */
  readonly buffers: AnswerBuffers;
  readonly answer: (request: Request, address: string) => Response | Promise<Response>;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  /** The value of the header `Date`. */
  readonly date: () => string;
}

/** Serves one connection. */
export class Exchange implements RequestConnection {
  readonly #parts: ExchangeParts;
  #state: ExchangeState = "waiting";
  #deadlineMs: number;
  #lastWritten = 0;
  /** Of the request that is being answered: its body, and whom its bytes are counted for. */
  #body: RequestBody | null = null;
  #source = "";
  #gone: AbortController | null = null;
  /** A read that is under way to notice the end of the other one. */
  #watching: Promise<void> | null = null;
  #isLast = false;
  #takeover: Takeover | null = null;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#deadlineMs = parts.nowMs() + parts.limits.silentMs;
  }

  get state(): ExchangeState {
    return this.#state;
  }

  /** Whether time is up. An answer has time as long as it is this end that has nothing to send, or parts of it leave. */
  isLate(nowMs: number): boolean {
    if (nowMs < this.#deadlineMs) return false;
    const { socket } = this.#parts;
    const isMoving = !socket.isWriting || socket.writtenBytes !== this.#lastWritten;
    if (this.#state !== "answering" || !isMoving) return true;
    this.#lastWritten = socket.writtenBytes;
    this.#deadlineMs = nowMs + this.#parts.limits.writeMs;
    return false;
  }

  /** No further request is taken after the one under way. @returns Whether one is. */
  finish(): boolean {
    this.#isLast = true;
    return this.#state === "answering" || this.#state === "channel";
  }

  close(): void {
    this.#parts.socket.close();
    this.#gone?.abort();
  }

  /** Ends a request whose body has not come whole. @returns Whether it is one. */
  #giveWay(): boolean {
    if (this.#state !== "reading") return false;
    this.close();
    return true;
  }

  /** Serves until the connection ends. Never rejects. @returns Whether the connection lives on as a channel. */
  async run(): Promise<boolean> {
    try {
      await this.#serve();
    } catch {
      // Whoever broke the connection, or was too slow, cannot be told so any more.
    }
    if (this.#takeover !== null) {
      this.#state = "channel";
      this.#takeover.open();
      return true;
    }
    this.close();
    return false;
  }

  /** @throws {Error} Where the connection broke. */
  async #serve(): Promise<void> {
    const { limits, nowMs, socket } = this.#parts;
    for (;;) {
      let head = this.#takeHead();
      while (head === null) {
        if (!await this.#more()) return;
        if (this.#state === "waiting") {
          this.#state = "reading";
          this.#deadlineMs = nowMs() + limits.headMs;
        }
        head = this.#takeHead();
      }
      if (typeof head === "number") return await this.#refuse(head);
      this.#state = "answering";
      this.#deadlineMs = Infinity;
      const isOpen = await this.#answer(head);
      if (!isOpen && this.#takeover === null) await this.#linger();
      if (!isOpen || this.#isLast) return;
      this.#state = "waiting";
      this.#deadlineMs = nowMs() + (socket.heldBytes > 0 ? limits.headMs : limits.keepAliveMs);
    }
  }

  /** @returns `null` where it has not come whole. */
  #takeHead(): RequestHead | HeadRefusal | null {
    const { socket } = this.#parts;
    const text = socket.heldBytes === 0 ? null : socket.takeHead();
    if (text !== null) return parseHead(text);
    return socket.heldBytes >= MAX_HEAD_BYTES ? 431 : null;
  }

  /** @returns Whether more has come. */
  #more(): Promise<boolean> {
    const watching = this.#watching;
    return watching === null ? this.#parts.socket.fill(MAX_HEAD_BYTES) : this.#watched(watching);
  }

  async #watched(watching: Promise<void>): Promise<boolean> {
    await watching;
    this.#watching = null;
    const isGone = this.#gone?.signal.aborted === true;
    this.#gone = null;
    return !isGone;
  }

  async #refuse(status: HeadRefusal): Promise<void> {
    await this.#parts.socket.write(refusalBytes(status));
    await this.#linger();
  }

  /** @returns Whether another request may follow. */
  async #answer(head: RequestHead): Promise<boolean> {
    const { socket, limits, nowMs, address } = this.#parts;
    this.#source = this.#parts.sourceOf(head.headers);
    const hold = this.#holdOf(head);
    const body = hold === null ? null : this.#bodyOf(head, hold);
    this.#body = body;
    try {
      const request = new SocketRequest({ head, body, connection: this });
      const given = this.#parts.answer(request.asRequest(), address);
      const answer = given instanceof Promise ? await given : given;
      this.#state = "answering";
      this.#lastWritten = socket.writtenBytes;
      this.#deadlineMs = nowMs() + limits.writeMs;
      if (answer.status !== 101) this.#abandon();
      const isOpen = await writeAnswer(socket, answer, {
        method: head.method,
        isHttp10: head.isHttp10,
        keepAlive: head.keepAlive && (body?.isEnded ?? true) && !this.#isLast,
        date: this.#parts.date(),
        buffers: this.#parts.buffers,
        connection: this,
      });
      return isOpen && this.#takeover === null;
    } finally {
      hold?.release();
    }
  }

  #holdOf({ framing }: RequestHead): Hold | null {
    if (framing.kind === "none") return null;
    return this.#parts.held.begin(this.#source, {
      wholeBytes: framing.kind === "length" ? framing.bytes : 0,
      giveWay: () => this.#giveWay(),
    });
  }

  #bodyOf({ framing, headers }: RequestHead, hold: Hold): RequestBody | null {
    if (framing.kind === "none") return null;
    const { socket, limits, nowMs } = this.#parts;
    return new RequestBody({
      socket,
      framing,
      expectsContinue: headers.has("expect"),
      hold,
      started: () => {
        this.#state = "reading";
        this.#deadlineMs = nowMs() + limits.bodyMs;
      },
      ended: () => {
        this.#state = "answering";
        this.#deadlineMs = Infinity;
      },
    });
  }

  takeOver(takeover: Takeover): TakenSocket {
    const { socket, held } = this.#parts;
    this.#takeover = takeover;
    const giveWay = () => {
      socket.close();
      return true;
    };
    return { socket, hold: held.begin(this.#source, { giveWay }) };
  }

  #abandon(): void {
    this.#takeover?.abandon();
    this.#takeover = null;
  }

  /** Reads on while an answer is made, to notice that nobody waits for it any more. */
  watch(): AbortSignal {
    if (this.#gone !== null) return this.#gone.signal;
    const gone = new AbortController();
    this.#gone = gone;
    const { socket } = this.#parts;
    if ((this.#body?.isEnded ?? true) && socket.heldBytes === 0) {
      this.#watching = socket.fill(MAX_HEAD_BYTES).then(
        (isMore) => isMore || gone.abort(),
        () => gone.abort(),
      ).then(() => {});
    }
    return gone.signal;
  }

  /** Ends the writing, and reads for a moment what was still being sent: closing at once would take the answer back. */
  async #linger(): Promise<void> {
    const { socket, limits, nowMs } = this.#parts;
    this.#state = "waiting";
    this.#deadlineMs = nowMs() + limits.lingerMs;
    await socket.endWriting();
    if (this.#watching !== null && !await this.#more()) return;
    const dropped = new Uint8Array(16 * 1024);
    for (let left = MAX_LINGER_BYTES; left > 0;) {
      const length = await socket.read(dropped);
      if (length === null) return;
      left -= length;
    }
  }
}
