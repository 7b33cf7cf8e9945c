/**
 * A channel of a caller behind a relay: one stream of the link.
 *
 * @module
 */
import { GrowingBytes } from "../../ports/growing_bytes.ts";
import type { Channel, ChannelListener, Clock } from "../../ports/ports.ts";
import { UnderWay } from "../../ports/under_way.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { RELAY_CLOSE } from "../../protocol/relay.ts";
import type { RelayStream, StreamListener } from "../../protocol/relay_link.ts";

/** What is worked on of one channel at a time. */
const MAX_UNDER_WAY = { maxCount: 64, maxBytes: 2 * MAX_FRAME_BYTES };
/** Parts of one message, as a WebSocket has fragments. */
const MAX_PARTS = 4_096;
const LAST_PARTS_MS = 2_000;

interface Outgoing {
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

export class RelayedChannel implements Channel, StreamListener {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #stream: RelayStream;
  readonly #over: () => void;
  readonly #message = new GrowingBytes();
  readonly #underWay = new UnderWay(MAX_UNDER_WAY);
  readonly #backlog: Uint8Array<ArrayBuffer>[] = [];
  readonly #outgoing: Outgoing[] = [];
  #listener: ChannelListener | null = null;
  #parts = 0;
  #bufferedBytes = 0;
  #sending: Promise<void> | null = null;
  #endCode: number | null = null;

  /** @param options `over`: called once the stream has ended. */
  constructor(
    options: {
      readonly clock: Pick<Clock, "setTimer">;
      readonly stream: RelayStream;
      readonly over: () => void;
    },
  ) {
    this.#clock = options.clock;
    this.#stream = options.stream;
    this.#over = options.over;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
    for (const message of this.#backlog.splice(0)) this.#tell(message);
    if (this.#endCode !== null) listener.close(this.#endCode);
  }

  send(data: Uint8Array, isLast = true): void {
    if (this.#endCode !== null) return;
    this.#outgoing.push({ data, isLast });
    this.#bufferedBytes += data.length;
    this.#sending ??= this.#sendAll();
  }

  async flushed(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  close(code: number): void {
    if (this.#endCode !== null) return;
    this.#end(code);
    const end = () => {
      this.#stream.close(code);
      this.#over();
    };
    if (this.#sending === null) return end();
    // What was sent before still leaves, if the relay takes it.
    const cancel = this.#clock.setTimer(LAST_PARTS_MS, end);
    void this.#sending.then(() => {
      cancel();
      end();
    });
  }

  async #sendAll(): Promise<void> {
    // Whoever sends in one turn sees all of it counted.
    await Promise.resolve();
    for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
      const isSent = await this.#stream.send(next.data, next.isLast);
      this.#bufferedBytes -= next.data.length;
      if (!isSent) break;
    }
    this.#sending = null;
  }

  data(
    data: Uint8Array<ArrayBuffer>,
    { isLast, cost }: { readonly isLast: boolean; readonly cost: number },
  ): void {
    this.#parts += 1;
    if (this.#message.length + data.length > MAX_FRAME_BYTES || this.#parts > MAX_PARTS) {
      return this.close(RELAY_CLOSE.tooLarge);
    }
    this.#keep(data);
    if (isLast) this.#take();
    this.#giveBack(cost);
  }

  #keep(data: Uint8Array): void {
    for (let at = 0; at < data.length;) {
      const room = this.#message.room(data.length - at);
      const some = data.subarray(at, at + room.length);
      room.set(some);
      this.#message.grow(some.length);
      at += some.length;
    }
  }

  #take(): void {
    const message = this.#message.take();
    this.#parts = 0;
    if (this.#listener === null) this.#backlog.push(message);
    else this.#tell(message);
  }

  #tell(message: Uint8Array<ArrayBuffer>): void {
    const work = this.#listener?.message(message);
    if (work === undefined) return;
    const end = this.#underWay.begin(message.length);
    work.then(end, end);
  }

  /** As long as too much is under way here, nothing more is let in. */
  #giveBack(cost: number): void {
    if (!this.#underWay.isFull) return this.#stream.give(cost);
    void this.#underWay.room().then(() => this.#stream.give(cost));
  }

  closed(code: number): void {
    this.#end(code);
    this.#over();
  }

  #end(code: number): void {
    if (this.#endCode !== null) return;
    this.#endCode = code;
    this.#listener?.close(code);
  }
}
