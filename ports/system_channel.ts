/**
 * WebSockets as channels, either end, on sockets of our own. The runtime's know no limit to a message, keep a
 * connection until its other end agrees to close it, and delay what the opening end sends (docs/DEPENDENCIES.md).
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import type { Channel, ChannelListener, ChannelUpgrader, UpgradeOptions } from "./ports.ts";
import { SocketRequest, type TakenSocket } from "./system_request.ts";
import { CLOSE_CODE, encodeClose, FrameFault, OPCODE } from "./websocket_frames.ts";
import { acceptOf, keyOfRequest } from "./websocket_handshake.ts";
import { Silence } from "./silence.ts";
import { UnderWay } from "./under_way.ts";
import { type Incoming, MessageReader } from "./websocket_reader.ts";
import { FrameWriter } from "./websocket_writer.ts";

export interface ChannelTimes {
  /** How long the other end may be silent; it is pinged after half of that, and has as long to answer. */
  readonly silenceMs: number;
  /** How long the other end may take to agree that a channel is closed. */
  readonly closeMs: number;
  /** How long one message may take to come whole. */
  readonly messageMs: number;
}

const DEFAULT_TIMES: ChannelTimes = { silenceMs: 30_000, closeMs: 2_000, messageMs: 60_000 };

/** Pings in half the time that the other end may be silent: far more than keep a connection alive. */
const MAX_PINGS = 1_000;
const NOTHING = new Uint8Array();
/** What is worked on of one channel at a time. */
const MAX_UNDER_WAY_COUNT = 64;
const MAX_UNDER_WAY_BYTES = 2 * MAX_FRAME_BYTES;
/** What is read and dropped of somebody who was refused. */
const MAX_DROPPED_BYTES = 4 * MAX_FRAME_BYTES;
const DROPPED_AT_ONCE_BYTES = 64 * 1024;

/** One WebSocket; it may be sent on and closed before {@linkcode SocketChannel.attach} connects it. */
export class SocketChannel implements Channel {
  readonly #times: ChannelTimes;
  readonly #isOpener: boolean;
  readonly #reading: UpgradeOptions;
  readonly #writer: FrameWriter;
  #parts: TakenSocket | null = null;
  #reader: MessageReader | null = null;
  #listener: ChannelListener | null = null;
  readonly #underWay: UnderWay;
  #isReading = false;
  #isWaiting = false;
  #isClosing = false;
  #isOver = false;
  /** What was, or is to be, told to the listener. */
  #endCode: number | null = null;
  #silence: Silence | null = null;
  /** Since the last look. */
  #pings = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param options `isOpener`: whether this end opened it, which masks what it sends. */
  constructor(
    options: UpgradeOptions & {
      readonly isOpener: boolean;
      readonly times?: Partial<ChannelTimes>;
    },
  ) {
    const { isOpener } = options;
    this.#isOpener = isOpener;
    this.#reading = options;
    this.#underWay = new UnderWay({
      maxCount: MAX_UNDER_WAY_COUNT,
      maxBytes: options.underWayBytes ?? MAX_UNDER_WAY_BYTES,
    });
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    this.#writer = new FrameWriter({
      mask: () => isOpener ? crypto.getRandomValues(new Uint8Array(4)) : null,
      failed: () => this.#end(CLOSE_CODE.abnormal),
    });
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  listen(listener: ChannelListener): void {
    if (this.#listener !== null) throw new TypeError("Cannot listen to a channel twice");
    this.#listener = listener;
    if (this.#endCode !== null) return listener.close(this.#endCode);
    this.#read();
  }

  send(data: Uint8Array<ArrayBuffer>, isLast = true): void {
    if (!this.#isClosing) this.#writer.sendPart(data, isLast);
  }

  flushed(): Promise<void> {
    return this.#parts === null ? Promise.resolve() : this.#writer.flushed();
  }

  close(code: number, reason = ""): void {
    if (!this.#sayClose(encodeClose(code, reason))) return;
    // A client that went away before its answer never opens the channel, and nobody would hear that it ended.
    if (this.#parts === null) return this.#tellEnd(CLOSE_CODE.abnormal);
    this.#awaitAgreement();
  }

  /** Connects it. What was read of the socket already comes first. */
  attach(parts: TakenSocket): void {
    this.#parts = parts;
    const silence = new Silence({ maxMs: this.#times.silenceMs, nowMs: performance.now() });
    this.#silence = silence;
    this.#reader = new MessageReader({
      ...parts,
      isMasked: !this.#isOpener,
      maxMessageBytes: this.#reading.maxMessageBytes ?? MAX_FRAME_BYTES,
      partBytes: this.#reading.partBytes ?? null,
      nowMs: () => performance.now(),
      heard: () => silence.heard(performance.now()),
    });
    this.#timer = setInterval(() => this.#look(), this.#times.silenceMs / 2);
    this.#writer.attach(parts.socket);
    if (this.#isClosing) this.#awaitAgreement();
    else if (this.#listener !== null) this.#read();
  }

  /** Ends a channel that gets no socket. */
  abandon(): void {
    this.#end(CLOSE_CODE.abnormal);
  }

  /** @returns Whether it is closed by this. */
  #sayClose(payload: Uint8Array): boolean {
    if (this.#isClosing || this.#isOver) return false;
    this.#writer.send(OPCODE.close, payload);
    this.#isClosing = true;
    return true;
  }

  /** Reads on to see the other end agree, for no longer than it may take. */
  #awaitAgreement(): void {
    this.#endIn(this.#times.closeMs);
    this.#read();
  }

  #endIn(delayMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#end(CLOSE_CODE.abnormal), delayMs);
  }

  /** Nothing is read before somebody listens: until then it waits at the other end. */
  #read(): void {
    if (this.#reader === null || this.#isReading) return;
    this.#isReading = true;
    this.#readAll(this.#reader).catch((error: unknown) =>
      error instanceof FrameFault ? this.#refuse(error.code) : this.#end(CLOSE_CODE.abnormal)
    );
  }

  async #readAll(reader: MessageReader): Promise<void> {
    for (let came = await reader.next(); came !== null; came = await reader.next()) {
      if (this.#isOver) return;
      if (came.kind === "close") return await this.#closedByOther(came.code);
      this.#take(came);
      if (this.#underWay.isFull) await this.#waitForRoom();
      if (this.#isOver) return;
    }
    this.#end(CLOSE_CODE.abnormal);
  }

  /** Meanwhile the other end is not silent: what it says waits to be read. */
  async #waitForRoom(): Promise<void> {
    this.#isWaiting = true;
    await this.#underWay.room();
    this.#isWaiting = false;
    this.#silence?.heard(performance.now());
  }

  #take(came: Exclude<Incoming, { kind: "close" }>): void {
    if (came.kind === "ping") {
      this.#pings += 1;
      if (this.#pings > MAX_PINGS) {
        throw new FrameFault(CLOSE_CODE.policy, "Received too many pings");
      }
      this.#writer.pong(came.data);
    } else if (came.kind !== "pong" && !this.#isClosing) {
      if (came.kind === "binary") this.#tell(came.data, came.isLast);
      else this.#tell(null, true);
    }
  }

  #tell(data: Uint8Array<ArrayBuffer> | null, isLast: boolean): void {
    const work = this.#listener?.message(data, isLast);
    if (work === undefined) return;
    const end = this.#underWay.begin(data?.length ?? 0);
    work.then(end, end);
  }

  async #closedByOther(code: number): Promise<void> {
    if (this.#sayClose(code === CLOSE_CODE.none ? NOTHING : encodeClose(code, ""))) {
      this.#endIn(this.#times.closeMs);
    }
    this.#tellEnd(code);
    await this.#writer.flushed();
    this.#end(code);
  }

  /** Says what was wrong. What still comes is dropped for a moment: closing at once would take the word back. */
  async #refuse(code: number): Promise<void> {
    this.#sayClose(encodeClose(code, ""));
    this.#tellEnd(code);
    this.#endIn(this.#times.closeMs);
    this.#parts!.hold.release();
    const { socket } = this.#parts!;
    const dropped = new Uint8Array(DROPPED_AT_ONCE_BYTES);
    try {
      await this.#writer.flushed();
      await socket.endWriting();
      for (let left = MAX_DROPPED_BYTES; left > 0;) {
        const length = await socket.read(dropped);
        if (length === null) break;
        left -= length;
      }
    } catch {
      // Broken or closed: over either way.
    }
    this.#end(code);
  }

  #look(): void {
    this.#pings = 0;
    const nowMs = performance.now();
    const beganMs = this.#reader?.beganMs ?? nowMs;
    if (this.#writer.isStuck() || nowMs - beganMs > this.#times.messageMs) {
      return this.#end(CLOSE_CODE.abnormal);
    }
    if (this.#isWaiting) return;
    const judged = this.#silence?.look(nowMs);
    if (judged === "ask") this.#writer.send(OPCODE.ping, NOTHING);
    if (judged !== "gone") return;
    this.#sayClose(encodeClose(CLOSE_CODE.goingAway, ""));
    this.#tellEnd(CLOSE_CODE.goingAway);
    this.#endIn(this.#times.closeMs);
  }

  #tellEnd(code: number): void {
    if (this.#endCode !== null) return;
    this.#endCode = code;
    this.#listener?.close(code);
  }

  /** Gives the descriptor back, whatever the other end does. */
  #end(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isClosing = true;
    clearInterval(this.#timer);
    this.#writer.clear();
    this.#parts?.hold.release();
    this.#parts?.socket.close();
    this.#tellEnd(code);
  }
}

/**
 * Upgrades requests of an {@linkcode HttpListener}. The response must be returned from its handler; `upgrade` throws
 * {@linkcode OpenRedError} `bad_request` for a request that is no WebSocket handshake.
 */
export function createChannelUpgrader(times: Partial<ChannelTimes> = {}): ChannelUpgrader {
  return {
    upgrade(request: Request | SocketRequest, options: UpgradeOptions = {}) {
      const key = keyOfRequest(request as Request);
      if (key === null || !(request instanceof SocketRequest) || request.body !== null) {
        throw new OpenRedError("bad_request", "Expected a WebSocket handshake");
      }
      const channel = new SocketChannel({ ...options, isOpener: false, times });
      const parts = request.takeOver({
        open: () => channel.attach(parts),
        abandon: () => channel.abandon(),
      });
      const headers = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": acceptOf(key),
      };
      return { response: new Response(null, { status: 101, headers }), channel };
    },
  };
}

export const systemChannelUpgrader = createChannelUpgrader();
