/**
 * A channel through a link: parts of messages, either way, never put together here.
 *
 * @module
 */
import type { Channel } from "../ports/ports.ts";
import { StreamTimes } from "../ports/stream_times.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { MAX_RELAY_DATA_BYTES } from "../protocol/limits.ts";
import { RELAY_CLOSE } from "../protocol/relay.ts";
import type { RelayStream } from "../protocol/relay_link.ts";
import type { Call } from "./call.ts";
import { readAnswerHead } from "./exchanges.ts";
import { Inbox, type InboxPart } from "./inbox.ts";
import type { RelayParts } from "./parts.ts";
import type { UnreadHolder } from "./unread.ts";

/** Longer than a node keeps a channel that carries nothing. */
const IDLE_MS = 900_000;
const ANSWER_MS = 30_000;
const SOCKET_BYTES = 64 * 1024;

/**
 * Opens a channel to a node, then takes the caller's WebSocket.
 * @param leave Called once the channel is over.
 * @throws {OpenRedError} `unreachable` where the node gives no answer, `bad_request` for a request that is no WebSocket,
 *   `forbidden` for one that the node refused.
 */
export async function passChannel(
  parts: RelayParts,
  call: Call,
  leave: () => void,
): Promise<Response> {
  if (call.request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new OpenRedError("bad_request", "This path takes a WebSocket");
  }
  const passing = new PassingChannel(parts, call, leave);
  return await passing.open();
}

class PassingChannel {
  readonly #parts: RelayParts;
  readonly #call: Call;
  readonly #leave: () => void;
  readonly #answered = Promise.withResolvers<number>();
  readonly #inbox: Inbox;
  /** What the caller sent and the link has not taken yet. */
  readonly #outgoing: UnreadHolder = { drop: () => this.#end(RELAY_CLOSE.busy) };
  #times: StreamTimes;
  #stream: RelayStream | null = null;
  #channel: Channel | null = null;
  #turn: Promise<void> = Promise.resolve();
  #closeCode: number = RELAY_CLOSE.gone;
  #isOver = false;

  constructor(parts: RelayParts, call: Call, leave: () => void) {
    this.#parts = parts;
    this.#call = call;
    this.#leave = leave;
    this.#inbox = new Inbox(parts.unread, () => this.#end(RELAY_CLOSE.busy));
    this.#times = this.#timesOf(ANSWER_MS);
  }

  #timesOf(idleMs: number): StreamTimes {
    const late = () => this.#end(RELAY_CLOSE.gone);
    return new StreamTimes(this.#parts.clock, { idleMs, totalMs: null, late });
  }

  async open(): Promise<Response> {
    this.#begin();
    const status = await this.#answered.promise;
    if (status !== 101) {
      this.#end(RELAY_CLOSE.normal);
      throw new OpenRedError("forbidden", `The node refused the channel (${status})`);
    }
    return this.#upgrade();
  }

  #begin(): void {
    const { node, head } = this.#call;
    try {
      this.#stream = node.link.open(head, {
        head: (answer) => this.#answer(answer),
        data: (data, part) => this.#inbox.push({ data, ...part }),
        closed: (code) => this.#closedByNode(code),
      });
    } catch (error) {
      this.#over();
      throw error;
    }
  }

  #upgrade(): Response {
    const { request } = this.#call;
    try {
      const { response, channel } = this.#parts.upgrader.upgrade(request, {
        partBytes: MAX_RELAY_DATA_BYTES,
        underWayBytes: MAX_RELAY_DATA_BYTES,
      });
      this.#join(channel);
      return response;
    } catch (cause) {
      this.#end(RELAY_CLOSE.refused);
      throw new OpenRedError("bad_request", "The request is not a WebSocket upgrade", { cause });
    }
  }

  #answer(head: Uint8Array): void {
    try {
      this.#answered.resolve(readAnswerHead(head).status);
    } catch {
      this.#end(RELAY_CLOSE.fault);
    }
  }

  #join(channel: Channel): void {
    this.#channel = channel;
    this.#times.end();
    this.#times = this.#timesOf(IDLE_MS);
    channel.listen({
      message: (data, isLast = true) => this.#toNode(data, isLast),
      close: (code) => this.#end(code),
    });
    void this.#toCaller(channel);
    if (this.#isOver) channel.close(RELAY_CLOSE.gone);
  }

  #toNode(data: Uint8Array<ArrayBuffer> | null, isLast: boolean): Promise<void> | void {
    if (data === null) return this.#end(RELAY_CLOSE.refused);
    if (this.#isOver) return;
    this.#times.moved();
    const { unread } = this.#parts;
    unread.add(this.#outgoing, data.length);
    this.#turn = this.#turn.then(() => this.#sendOn(data, isLast)).finally(() =>
      unread.remove(this.#outgoing, data.length)
    );
    return this.#turn;
  }

  async #sendOn(data: Uint8Array, isLast: boolean): Promise<void> {
    if (await this.#stream!.send(data, isLast)) await this.#passed(data.length);
  }

  #passed(bytes: number): Promise<void> | null {
    const { node, source } = this.#call;
    return this.#parts.paces.passed({ node: node.id, source }, bytes);
  }

  /** Credit goes back once the caller's socket has taken what came. */
  async #toCaller(channel: Channel): Promise<void> {
    for (let part = await this.#inbox.next(); part !== null; part = await this.#inbox.next()) {
      this.#times.moved();
      channel.send(part.data, part.isLast);
      if (channel.bufferedBytes > SOCKET_BYTES) await channel.flushed();
      await this.#giveBack(part);
    }
    channel.close(this.#closeCode);
  }

  async #giveBack({ data, cost }: InboxPart): Promise<void> {
    await this.#passed(data.length);
    this.#stream!.give(cost);
  }

  /** What came before the end still goes to the caller. */
  #closedByNode(code: number): void {
    this.#closeCode = fitCode(code);
    this.#answered.reject(new OpenRedError("unreachable", "The node refused the channel"));
    this.#over();
    this.#inbox.end();
  }

  /** Ends both sides. */
  #end(code: number): void {
    if (this.#isOver) return;
    this.#closeCode = fitCode(code);
    this.#stream?.close(this.#closeCode);
    this.#answered.reject(new OpenRedError("unreachable", "The node gave no answer"));
    this.#over();
    this.#inbox.clear();
    this.#channel?.close(this.#closeCode);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#times.end();
    this.#parts.unread.end(this.#outgoing);
    this.#leave();
  }
}

/** What one end of a channel says to the other is passed on where a WebSocket may say it. */
function fitCode(code: number): number {
  const isKnown = Object.values(RELAY_CLOSE).some((known) => known === code);
  return isKnown || (code >= 3000 && code <= 4999) ? code : RELAY_CLOSE.gone;
}
