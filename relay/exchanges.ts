/**
 * A request and its answer through a link, part by part.
 *
 * @module
 */
import type { PatientRequest } from "../ports/ports.ts";
import { StreamTimes } from "../ports/stream_times.ts";
import { OpenRedError } from "../protocol/errors.ts";
import {
  RELAY_CLOSE,
  type RelayResponse,
  relayResponseSchema,
  responseHeadersOf,
} from "../protocol/relay.ts";
import type { RelayStream } from "../protocol/relay_link.ts";
import { parseGrowing, parseJson } from "../protocol/schemas.ts";
import type { Call } from "./call.ts";
import { Inbox } from "./inbox.ts";
import type { RelayParts } from "./parts.ts";

const IDLE_MS = 30_000;
const TOTAL_MS = 60_000;

/** Nothing from behind a relay is a document: one origin serves many nodes. */
const OWN_HEADERS = {
  "cache-control": "no-store, no-transform",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
/** Answers that HTTP gives no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205]);
const JSON_TYPES: ReadonlySet<string> = new Set(["application/json", "application/problem+json"]);

/** Reads the head of an answer. @throws {OpenRedError} `bad_request` or `unsupported`. */
export function readAnswerHead(head: Uint8Array): RelayResponse {
  return parseGrowing(relayResponseSchema, parseJson(head));
}

function nodeFailed(): OpenRedError {
  return new OpenRedError("unreachable", "The node ended the exchange without a whole answer");
}

/**
 * Passes one request on, and its answer back.
 * @param leave Called once the exchange is over.
 * @throws {OpenRedError} `unreachable` where the node gives no answer.
 */
export function passExchange(
  parts: RelayParts,
  call: Call,
  leave: () => void,
): Promise<Response> {
  return new Exchange(parts, call, leave).run();
}

class Exchange {
  readonly #parts: RelayParts;
  readonly #call: Call;
  readonly #leave: () => void;
  readonly #head = Promise.withResolvers<RelayResponse>();
  readonly #inbox: Inbox;
  readonly #times: StreamTimes;
  #stream: RelayStream | null = null;
  #headCame = false;
  /** Bytes of the answer that are yet to come. */
  #left = 0;
  #isBroken = false;

  constructor(parts: RelayParts, call: Call, leave: () => void) {
    this.#parts = parts;
    this.#call = call;
    this.#leave = leave;
    this.#inbox = new Inbox(parts.unread, () => this.#break(RELAY_CLOSE.busy));
    this.#times = new StreamTimes(parts.clock, {
      idleMs: IDLE_MS,
      totalMs: call.route.isLong ? null : TOTAL_MS,
      late: () => this.#break(RELAY_CLOSE.gone),
    });
  }

  async run(): Promise<Response> {
    try {
      this.#stream = this.#call.node.link.open(this.#call.head, {
        head: (head) => this.#take(() => this.#answered(readAnswerHead(head))),
        data: (data, part) => this.#take(() => this.#data(data, part)),
        closed: () => this.#break(null),
      });
      void this.#sendBody().catch(() => this.#break(RELAY_CLOSE.gone));
      return this.#response(await this.#head.promise);
    } catch (error) {
      this.#over();
      throw error;
    }
  }

  /** A node that answers in another form, or length, than it said breaks its own exchange alone. */
  #take(what: () => void): void {
    this.#times.moved();
    try {
      what();
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.#break(RELAY_CLOSE.fault);
    }
  }

  #answered(head: RelayResponse): void {
    const isNone = head.status === 101 || (BODILESS.has(head.status) && head.length > 0);
    if (this.#headCame || isNone) throw nodeFailed();
    this.#headCame = true;
    this.#left = head.length;
    this.#head.resolve(head);
    if (head.length === 0) this.#complete();
  }

  #data(
    data: Uint8Array<ArrayBuffer>,
    { isLast, cost }: { readonly isLast: boolean; readonly cost: number },
  ): void {
    this.#left -= data.length;
    if (!this.#headCame || this.#left < 0 || isLast !== (this.#left === 0)) throw nodeFailed();
    this.#inbox.push({ data, isLast, cost });
    if (isLast) this.#complete();
  }

  /** All of the answer is here; whoever asked may still be reading it. */
  #complete(): void {
    this.#stream?.finish();
    this.#inbox.end();
  }

  async #sendBody(): Promise<void> {
    const { request, length, node, source } = this.#call;
    if (length === 0) return;
    (request as PatientRequest).takeTime?.();
    let left = length;
    for await (const chunk of request.body ?? []) {
      left -= chunk.length;
      if (left < 0 || !await this.#stream!.send(chunk, left === 0)) return;
      this.#times.moved();
      await this.#parts.paces.passed({ node: node.id, source }, chunk.length);
    }
    if (left > 0) throw new OpenRedError("bad_request", "The body broke off");
  }

  #response({ status, length, headers }: RelayResponse): Response {
    const passed = responseHeadersOf(new Headers(headers));
    const type = passed["content-type"] ?? "";
    const all = {
      ...passed,
      ...OWN_HEADERS,
      "content-type": JSON_TYPES.has(type) ? type : "application/octet-stream",
    };
    if (length === 0) {
      this.#over();
      return new Response(null, { status, headers: all });
    }
    return new Response(this.#body(), {
      status,
      headers: { ...all, "content-length": String(length) },
    });
  }

  #body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        const part = await this.#inbox.next();
        if (part === null) throw nodeFailed();
        this.#times.moved();
        controller.enqueue(part.data);
        this.#giveBack(part);
        if (!part.isLast) return;
        this.#over();
        controller.close();
      },
      cancel: () => this.#break(RELAY_CLOSE.gone),
    }, { highWaterMark: 0 });
  }

  #giveBack({ data, cost }: { readonly data: Uint8Array; readonly cost: number }): void {
    const { node, source } = this.#call;
    const wait = this.#parts.paces.passed({ node: node.id, source }, data.length);
    if (wait === null) this.#stream!.give(cost);
    else void wait.then(() => this.#stream!.give(cost));
  }

  /** @param code What the node is told; `null` where it knows. */
  #break(code: number | null): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    if (code !== null) this.#stream?.close(code);
    this.#inbox.clear();
    this.#head.reject(nodeFailed());
    this.#over();
  }

  #over(): void {
    this.#times.end();
    this.#leave();
  }
}
