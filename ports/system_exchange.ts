/**
 * The requests of one connection, one after the other.
 *
 * @module
 */
import type { HeldBytes, Hold } from "./held_bytes.ts";
import { type HeadRefusal, MAX_HEAD_BYTES, parseHead, type RequestHead } from "./http_head.ts";
import type { ListenerLimits } from "./listener_limits.ts";
import { refusalBytes, writeAnswer } from "./system_answer.ts";
import { RequestBody } from "./system_body.ts";
import { SocketRequest, type Takeover } from "./system_request.ts";
import type { Socket } from "./system_socket.ts";

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
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
  readonly answer: (request: Request, address: string) => Promise<Response>;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  /** The value of the header `Date`. */
  readonly date: () => string;
}

/** Where the blank line behind a head begins, or -1. */
function findHeadEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(LINE_FEED, from); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === LINE_FEED) return at - 1;
  }
  return -1;
}

/** Serves one connection. */
export class Exchange {
  readonly #parts: ExchangeParts;
  #state: ExchangeState = "waiting";
  #deadlineMs: number;
  #lastWritten = 0;
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
      while (await this.#next());
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

  async #next(): Promise<boolean> {
    const { limits, nowMs, socket } = this.#parts;
    const head = await this.#readHead();
    if (head === null) return false;
    if (typeof head === "number") return await this.#refuse(head);
    this.#state = "answering";
    this.#deadlineMs = Infinity;
    const source = this.#parts.sourceOf(head.headers);
    const { framing } = head;
    const hold = this.#parts.held.begin(source, {
      wholeBytes: framing.kind === "length" ? framing.bytes : 0,
      giveWay: () => this.#giveWay(),
    });
    const isOpen = await this.#answer(head, { source, hold }).finally(() => hold.release());
    if (!isOpen && this.#takeover === null) await this.#linger();
    if (!isOpen || this.#isLast) return false;
    this.#state = "waiting";
    this.#deadlineMs = nowMs() + (socket.heldBytes > 0 ? limits.headMs : limits.keepAliveMs);
    return true;
  }

  /** @returns `null` where the connection ended before another request began. */
  async #readHead(): Promise<RequestHead | HeadRefusal | null> {
    const { socket, limits, nowMs } = this.#parts;
    for (let looked = 0;;) {
      this.#skipBlankLine();
      const { held } = socket;
      const end = findHeadEnd(held, looked);
      if (end >= 0) {
        // In parts of a few thousand, which is the most arguments that a call takes everywhere.
        let text = "";
        for (let at = 0; at < end; at += 4_096) {
          text += String.fromCharCode(...held.subarray(at, Math.min(end, at + 4_096)));
        }
        socket.skip(end + 4);
        return parseHead(text);
      }
      looked = Math.max(0, held.length - 3);
      if (held.length >= MAX_HEAD_BYTES) return 431;
      if (!await this.#more()) return null;
      if (this.#state !== "waiting") continue;
      this.#state = "reading";
      this.#deadlineMs = nowMs() + limits.headMs;
    }
  }

  /** @returns Whether more has come. */
  async #more(): Promise<boolean> {
    if (this.#watching === null) return await this.#parts.socket.fill(MAX_HEAD_BYTES);
    await this.#watching;
    this.#watching = null;
    const isGone = this.#gone?.signal.aborted === true;
    this.#gone = null;
    return !isGone;
  }

  /** Some clients send one behind a body. */
  #skipBlankLine(): void {
    const { held } = this.#parts.socket;
    if (held[0] === CARRIAGE_RETURN && held[1] === LINE_FEED) this.#parts.socket.skip(2);
  }

  async #refuse(status: HeadRefusal): Promise<false> {
    await this.#parts.socket.write(refusalBytes(status));
    await this.#linger();
    return false;
  }

  /** @returns Whether another request may follow. */
  async #answer(
    head: RequestHead,
    { source, hold }: { readonly source: string; readonly hold: Hold },
  ): Promise<boolean> {
    const { socket, limits, nowMs, address, held } = this.#parts;
    const body = this.#bodyOf(head, hold);
    const watch = () => this.#watch(body);
    const takeOver = (takeover: Takeover) => {
      this.#takeover = takeover;
      const giveWay = () => {
        socket.close();
        return true;
      };
      return { socket, hold: held.begin(source, { giveWay }) };
    };
    const request = new SocketRequest({ head, body, watch, takeOver });
    const answer = await this.#parts.answer(request.asRequest(), address);
    this.#state = "answering";
    this.#lastWritten = socket.writtenBytes;
    this.#deadlineMs = nowMs() + limits.writeMs;
    if (answer.status !== 101) this.#abandon();
    const isOpen = await writeAnswer(socket, answer, {
      method: head.method,
      isHttp10: head.isHttp10,
      keepAlive: head.keepAlive && body.isEnded && !this.#isLast,
      date: this.#parts.date(),
      watch,
    });
    return isOpen && this.#takeover === null;
  }

  #bodyOf(head: RequestHead, hold: Hold): RequestBody {
    const { socket, limits, nowMs } = this.#parts;
    return new RequestBody({
      socket,
      framing: head.framing,
      expectsContinue: head.headers.has("expect"),
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

  #abandon(): void {
    this.#takeover?.abandon();
    this.#takeover = null;
  }

  /** Reads on while an answer is made, to notice that nobody waits for it any more. */
  #watch(body: RequestBody): AbortSignal {
    if (this.#gone !== null) return this.#gone.signal;
    const gone = new AbortController();
    this.#gone = gone;
    const { socket } = this.#parts;
    if (body.isEnded && socket.heldBytes === 0) {
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
