/**
 * A request that came through a relay: it enters the node's public routes as it is, and its answer goes back.
 *
 * @module
 */
import type { Clock, RequestSource } from "../../ports/ports.ts";
import { StreamTimes } from "../../ports/stream_times.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { RELAY_CLOSE, type RelayResponse, responseHeadersOf } from "../../protocol/relay.ts";
import type { RelayStream, StreamListener } from "../../protocol/relay_link.ts";
import { RelayedChannel } from "./relayed_channel.ts";
import type { RelayedUpgrades } from "./relayed_upgrades.ts";

/** A relay that lets nothing move for so long, either way, loses the exchange. */
const IDLE_MS = 60_000;

/** What the relay said of it, checked. */
export interface RelayedRequest {
  readonly method: "GET" | "POST";
  /** At the node's own URL. */
  readonly url: string;
  readonly length: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: RequestSource;
}

export interface ExchangeParts {
  readonly clock: Clock;
  readonly upgrades: RelayedUpgrades;
  readonly handle: (request: Request, source: RequestSource) => Promise<Response>;
}

function headersOf(request: RelayedRequest): Headers {
  const headers = new Headers(request.headers);
  if (request.length > 0) headers.set("content-length", String(request.length));
  return headers;
}

function headOf(head: RelayResponse): Uint8Array {
  return encodeUtf8(JSON.stringify(head));
}

/**
 * Opens the channel that a caller asks for, if this node lets it.
 * @returns Resolves once the request is answered.
 */
export async function answerChannel(
  parts: ExchangeParts,
  { stream, request, ended }: {
    readonly stream: RelayStream;
    readonly request: RelayedRequest;
    readonly ended: () => void;
  },
): Promise<void> {
  const channel = new RelayedChannel({ ...parts, stream, over: ended });
  stream.listen(channel);
  const headers = headersOf(request);
  headers.set("upgrade", "websocket");
  const opening = new Request(request.url, { method: "GET", headers });
  parts.upgrades.expect(opening, channel);
  const response = await parts.handle(opening, request.source);
  await response.body?.cancel();
  stream.answer(headOf({ status: response.status, length: 0, headers: {} }));
  if (response.status !== 101) channel.close(RELAY_CLOSE.refused);
}

/** One request and its answer. */
export class RelayedExchange implements StreamListener {
  readonly #parts: ExchangeParts;
  readonly #stream: RelayStream;
  readonly #request: RelayedRequest;
  readonly #ended: () => void;
  readonly #gone = new AbortController();
  readonly #times: StreamTimes;
  readonly #body: { readonly data: Uint8Array<ArrayBuffer>; readonly cost: number }[] = [];
  #wake: (() => void) | null = null;
  /** Bytes of the body that are yet to come. */
  #left: number;

  constructor(
    parts: ExchangeParts,
    { stream, request, ended }: {
      readonly stream: RelayStream;
      readonly request: RelayedRequest;
      readonly ended: () => void;
    },
  ) {
    this.#parts = parts;
    this.#stream = stream;
    this.#request = request;
    this.#ended = ended;
    this.#left = request.length;
    this.#times = new StreamTimes(parts.clock, {
      idleMs: IDLE_MS,
      totalMs: null,
      late: () => this.#end(RELAY_CLOSE.gone),
    });
    stream.listen(this);
  }

  /** Resolves once it is over, however it ended. */
  async run(): Promise<void> {
    try {
      const response = await this.#parts.handle(this.#toRequest(), this.#request.source);
      await this.#answer(response);
      this.#times.end();
      this.#stream.finish();
      this.#ended();
    } catch {
      // The body of the answer broke, which whoever made it has told already.
      this.#end(RELAY_CLOSE.gone);
    }
  }

  #toRequest(): Request {
    const { method, url, length } = this.#request;
    return new Request(url, {
      method,
      headers: headersOf(this.#request),
      signal: this.#gone.signal,
      ...(length === 0 ? {} : { body: this.#bodyStream(), duplex: "half" }),
    });
  }

  #bodyStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const part = await this.#nextPart();
        if (part === null) throw new OpenRedError("bad_request", "The body broke off");
        controller.enqueue(part.data);
        this.#stream.give(part.cost);
        if (this.#left === 0 && this.#body.length === 0) controller.close();
      },
    }, { highWaterMark: 0 });
  }

  async #nextPart() {
    while (this.#body.length === 0) {
      if (this.#gone.signal.aborted) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
    return this.#body.shift()!;
  }

  data(
    data: Uint8Array<ArrayBuffer>,
    { isLast, cost }: { readonly isLast: boolean; readonly cost: number },
  ): void {
    this.#times.moved();
    this.#left -= data.length;
    if (this.#left < 0 || isLast !== (this.#left === 0)) return this.#end(RELAY_CLOSE.fault);
    this.#body.push({ data, cost });
    this.#wake?.();
  }

  closed(): void {
    this.#end(null);
  }

  async #answer(response: Response): Promise<void> {
    const named = response.headers.get("content-length");
    // What names no length is there as a whole.
    const whole = named === null ? await response.bytes() : null;
    const length = whole?.length ?? Number(named);
    const { status } = response;
    this.#stream.answer(headOf({ status, length, headers: responseHeadersOf(response.headers) }));
    if (whole !== null) {
      if (length > 0) await this.#stream.send(whole, true);
      return;
    }
    let left = length;
    for await (const part of response.body ?? []) {
      left -= part.length;
      if (left < 0) throw new RangeError("An answer is longer than it said");
      if (!await this.#stream.send(part, left === 0)) return;
      this.#times.moved();
    }
    if (left > 0) throw new RangeError("An answer is shorter than it said");
  }

  /** @param code What the relay is told; `null` where it knows. */
  #end(code: number | null): void {
    this.#times.end();
    if (code !== null) this.#stream.close(code);
    this.#gone.abort();
    this.#wake?.();
    this.#ended();
  }
}
