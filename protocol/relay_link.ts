/**
 * One link between a node and its relay: streams that share a WebSocket, each with credit of its own.
 *
 * @module
 */
import { OpenRedError } from "./errors.ts";
import { MAX_RELAY_DATA_BYTES, RELAY_CREDIT_BYTES } from "./limits.ts";
import { RELAY_CLOSE } from "./relay.ts";
import {
  costOfData,
  decodeRelayFrame,
  encodeRelayClose,
  encodeRelayCredit,
  encodeRelayData,
  encodeRelayOpen,
  encodeRelayWord,
  type RelayFrame,
  type RelayWord,
} from "./relay_frames.ts";

/** What waits in the socket at most before streams wait for it: enough to keep it busy, little to wait behind. */
const SOCKET_BYTES = 256 * 1024;
/** Credit goes back in pieces of at least so much. */
const CREDIT_PIECE_BYTES = RELAY_CREDIT_BYTES / 4;
const LAST_STREAM = 0xffff_ffff;

/** What a link needs of its WebSocket. */
export interface LinkSocket {
  readonly bufferedBytes: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  flushed(): Promise<void>;
  close(code: number): void;
}

/** What a stream tells its owner. */
export interface StreamListener {
  /** The head of the answer; told at the end that opened the stream. */
  head?(head: Uint8Array): void;
  /** @param part `cost` is given back by {@linkcode RelayStream.give} once there is room for more. */
  data(
    data: Uint8Array<ArrayBuffer>,
    part: { readonly isLast: boolean; readonly cost: number },
  ): void;
  /** Called once, where the other end or the link ended it. */
  closed(code: number): void;
}

interface Waiting {
  readonly data: Uint8Array;
  readonly isLast: boolean;
  readonly done: (isSent: boolean) => void;
}

/** What a link does for its streams. */
interface StreamOwner {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** A stream has something to send, and the credit for it. */
  ready(stream: RelayStream): void;
  /** A stream is over; so much may still be on its way here. */
  forget(stream: RelayStream, outstandingBytes: number): void;
}

/** One exchange, or one channel, on a link. */
export class RelayStream {
  readonly id: number;
  readonly #owner: StreamOwner;
  #listener: StreamListener | null = null;
  /** What this end may send. */
  #credit = RELAY_CREDIT_BYTES;
  /** What the other end may send. */
  #granted = RELAY_CREDIT_BYTES;
  /** What was taken in and not said to the other end yet. */
  #owed = 0;
  #waiting: Waiting | null = null;
  #isOffered = false;
  #isOver = false;

  constructor(id: number, owner: StreamOwner) {
    this.id = id;
    this.#owner = owner;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** Answers with a head. */
  answer(head: Uint8Array): void {
    if (!this.#isOver) this.#owner.send(encodeRelayOpen(this.id, head));
  }

  /**
   * Sends bytes, in as many frames as they take. To be waited for before more is sent.
   * @returns `false` where the stream ended meanwhile.
   */
  async send(data: Uint8Array, isLast: boolean): Promise<boolean> {
    if (data.length === 0 && !isLast) return !this.#isOver;
    let at = 0;
    do {
      const part = data.subarray(at, at + MAX_RELAY_DATA_BYTES);
      at += part.length;
      if (!await this.#sendPart(part, isLast && at === data.length)) return false;
    } while (at < data.length);
    return true;
  }

  #sendPart(data: Uint8Array, isLast: boolean): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    if (this.#waiting !== null) throw new TypeError("A stream sends one thing after the other");
    return new Promise((done) => {
      this.#waiting = { data, isLast, done };
      this.#offer();
    });
  }

  #offer(): void {
    if (this.#waiting === null || this.#isOffered) return;
    if (costOfData(this.#waiting.data.length) > this.#credit) return;
    this.#isOffered = true;
    this.#owner.ready(this);
  }

  /** Sends what waits. Called by the link in its turn. */
  sendNext(): void {
    const waiting = this.#waiting;
    this.#isOffered = false;
    if (waiting === null) return;
    this.#waiting = null;
    this.#credit -= costOfData(waiting.data.length);
    this.#owner.send(encodeRelayData(this.id, waiting.data, waiting.isLast));
    waiting.done(true);
  }

  /** Lets the other end send so much more. */
  give(cost: number): void {
    if (this.#isOver) return;
    this.#owed += cost;
    if (this.#owed < CREDIT_PIECE_BYTES) return;
    this.#granted += this.#owed;
    this.#owner.send(encodeRelayCredit(this.id, this.#owed));
    this.#owed = 0;
  }

  /** Ends the stream, and tells the other end. */
  close(code: number): void {
    if (this.#isOver) return;
    this.#owner.send(encodeRelayClose(this.id, code));
    this.finish();
  }

  /** Ends a stream of which both ends know that it is over. */
  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.forget(this, this.#granted);
    this.#waiting?.done(false);
    this.#waiting = null;
  }

  /** Takes a frame that came for it. @throws {OpenRedError} `bad_request` for one that breaks the rules. */
  take(frame: Exclude<RelayFrame, { kind: RelayWord }>): void {
    switch (frame.kind) {
      case "open":
        if (this.#listener?.head === undefined) throw broken("a stream was opened twice");
        return this.#listener.head(frame.head);
      case "credit":
        this.#credit += frame.bytes;
        if (this.#credit > RELAY_CREDIT_BYTES) throw broken("more credit than there is");
        return this.#offer();
      case "data": {
        const cost = costOfData(frame.data.length);
        this.#granted -= cost;
        if (this.#granted < 0) throw broken("data beyond its credit");
        return this.#listener?.data(frame.data, { isLast: frame.isLast, cost });
      }
      case "close":
        return this.ended(frame.code);
    }
  }

  /** The other end, or the link, has ended it. */
  ended(code: number): void {
    if (this.#isOver) return;
    this.finish();
    this.#listener?.closed(code);
  }
}

function broken(why: string): OpenRedError {
  return new OpenRedError("bad_request", `The link broke its rules: ${why}`);
}

export interface RelayLinkOptions {
  /** A stream that the other end opened: `null` where only this end opens any. It is to listen to it at once. */
  readonly opened: ((stream: RelayStream, head: Uint8Array) => void) | null;
  /** A word about the link itself. */
  readonly word: (kind: RelayWord, body: Uint8Array) => void;
  /** The other end broke the rules, and the link has ended. */
  readonly failed: (error: OpenRedError) => void;
}

/** Either end of a link. */
export class RelayLink implements StreamOwner {
  readonly #socket: LinkSocket;
  readonly #options: RelayLinkOptions;
  readonly #streams = new Map<number, RelayStream>();
  readonly #ready: RelayStream[] = [];
  /** Data of streams that are over that may still be on its way. */
  #lateBytes = 0;
  #lastStream = 0;
  #isWaiting = false;
  #isOver = false;

  constructor(socket: LinkSocket, options: RelayLinkOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @throws {OpenRedError} `unreachable` where the link has ended, or has no number left. */
  open(head: Uint8Array, listener: StreamListener): RelayStream {
    if (this.#isOver || this.#lastStream === LAST_STREAM) {
      throw new OpenRedError("unreachable", "The node has just gone");
    }
    this.#lastStream += 1;
    const stream = new RelayStream(this.#lastStream, this);
    stream.listen(listener);
    this.#streams.set(stream.id, stream);
    this.send(encodeRelayOpen(stream.id, head));
    return stream;
  }

  say(kind: RelayWord, body: Uint8Array): void {
    this.send(encodeRelayWord(kind, body));
  }

  /** Takes a message of the WebSocket; `null` is one of text. */
  message(data: Uint8Array<ArrayBuffer> | null): void {
    if (this.#isOver) return;
    try {
      if (data === null) throw broken("text");
      const frame = decodeRelayFrame(data);
      if (frame !== null) this.#take(frame);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.close(RELAY_CLOSE.fault);
      this.#options.failed(error);
    }
  }

  #take(frame: RelayFrame): void {
    if (!("stream" in frame)) return this.#options.word(frame.kind, frame.body);
    const stream = this.#streams.get(frame.stream);
    if (stream !== undefined) return stream.take(frame);
    if (frame.stream > this.#lastStream) return this.#opened(frame);
    if (frame.kind !== "data") return;
    this.#lateBytes -= costOfData(frame.data.length);
    if (this.#lateBytes < 0) throw broken("data of a stream that is over");
  }

  #opened(frame: Extract<RelayFrame, { stream: number }>): void {
    const { opened } = this.#options;
    if (opened === null || frame.kind !== "open") throw broken("a frame of no stream");
    this.#lastStream = frame.stream;
    const stream = new RelayStream(frame.stream, this);
    this.#streams.set(stream.id, stream);
    opened(stream, frame.head);
  }

  /** Ends the link and all its streams. */
  close(code: number): void {
    if (this.#isOver) return;
    this.ended();
    this.#socket.close(code);
  }

  /** The WebSocket has ended. */
  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ready.length = 0;
    for (const stream of [...this.#streams.values()]) stream.ended(RELAY_CLOSE.gone);
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOver) this.#socket.send(frame);
  }

  ready(stream: RelayStream): void {
    this.#ready.push(stream);
    this.#pump();
  }

  forget(stream: RelayStream, outstandingBytes: number): void {
    this.#streams.delete(stream.id);
    this.#lateBytes += outstandingBytes;
  }

  /** A frame of each in turn, as fast as the socket takes them. */
  #pump(): void {
    while (!this.#isWaiting && this.#ready.length > 0) {
      if (this.#socket.bufferedBytes >= SOCKET_BYTES) return this.#waitForSocket();
      this.#ready.shift()!.sendNext();
    }
  }

  #waitForSocket(): void {
    this.#isWaiting = true;
    void this.#socket.flushed().then(() => {
      this.#isWaiting = false;
      this.#pump();
    });
  }
}
