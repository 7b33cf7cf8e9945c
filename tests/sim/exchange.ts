/**
 * One HTTP request and its answer on the virtual network.
 *
 * @module
 */
import type { HttpAnswer, HttpRequest } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { VirtualNetwork } from "./virtual_network.ts";
import { isProcessDied, type VirtualProcess } from "./virtual_process.ts";
import type { WireAnswer, WireCall } from "./wire.ts";

export interface ExchangeOptions extends HttpRequest {
  readonly ended: (answer: HttpAnswer) => void;
  readonly failed: (error: unknown) => void;
}

export class Exchange {
  readonly #network: VirtualNetwork;
  readonly #caller: VirtualProcess;
  readonly #options: ExchangeOptions;
  readonly #call: WireCall;
  #isOver = false;
  #cancelTimeout: () => void = () => undefined;

  constructor(network: VirtualNetwork, caller: VirtualProcess, options: ExchangeOptions) {
    this.#network = network;
    this.#caller = caller;
    this.#options = options;
    const url = new URL(options.url);
    this.#call = {
      id: network.nextCallId(),
      from: caller.host,
      to: network.findHost(options.url)?.name ?? "nobody",
      method: options.method,
      url: options.url,
      path: url.pathname + url.search,
      headers: options.headers ?? {},
      body: options.body?.slice() ?? new Uint8Array(),
    };
  }

  get call(): WireCall {
    return this.#call;
  }

  /** Whether nobody waits for the answer any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    const { timeoutMs, signal } = this.#options;
    if (!this.#caller.isAlive) return;
    const abort = () => this.#fail(new DOMException("The request was aborted", "AbortError"));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.#cancelTimeout = this.#network.loop.schedule(
      timeoutMs,
      () => this.#unreachable("time-out"),
    );
    this.#say(`${this.#call.method} ${this.#call.path}`);
    for (const tap of this.#network.taps) tap.request?.(this.#call);
    const tampered = this.#tamper((tamper) => tamper.request?.(this.#call) ?? null);
    if (tampered === null) this.#deliver();
    else if (tampered !== "drop") this.#return(tampered);
  }

  #deliver(): void {
    const { from, to } = this.#call;
    const { random, faults } = this.#network;
    const isUpgrade = this.#call.headers["upgrade"] !== undefined;
    const copies = !isUpgrade && random.chance(faults.duplicateRate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#network.isLost(from.name, to)) this.#say("request lost");
      else this.#network.loop.schedule(this.#network.drawLatencyMs(), () => this.#arrive());
    }
  }

  #arrive(): void {
    const { from, to, url } = this.#call;
    if (this.#network.isCut(from.name, to)) return;
    const process = this.#network.findHost(url)?.process ?? null;
    if (process?.handler == null) {
      this.#network.loop.schedule(
        this.#network.drawLatencyMs(),
        () => this.#unreachable("refused"),
      );
      return;
    }
    const forget = process.onDeath(() => {
      if (this.#network.random.chance(0.5)) this.#unreachable("reset");
    });
    this.#serve(process).catch((error) => {
      if (!isProcessDied(error)) this.#network.loop.fail(error);
    }).finally(forget);
  }

  async #serve(process: VirtualProcess): Promise<void> {
    const { from, to, method, url, headers, body } = this.#call;
    const request = new Request(url, {
      method,
      headers: {
        ...headers,
        host: new URL(url).host,
        ...(body.length === 0 ? {} : { "content-length": String(body.length) }),
      },
      body: body.length === 0 ? null : body,
    });
    const response = await process.handler!(request, { address: from.address });
    const content = await response.bytes().catch(() => null);
    if (!process.isAlive) return;
    if (content === null) return this.#unreachable("the answer broke off");
    const answer = { status: response.status, headers: response.headers, body: content };
    this.#say(`answered ${answer.status} ${readCode(answer)}`);
    for (const tap of this.#network.taps) tap.answer?.(this.#call, answer);
    const tampered = this.#tamper((tamper) => tamper.answer?.(this.#call, answer) ?? null);
    if (tampered === "drop") return;
    if (this.#network.isLost(to, from.name)) this.#say("answer lost");
    else this.#return(tampered ?? answer);
  }

  #return(answer: WireAnswer): void {
    this.#network.loop.schedule(this.#network.drawLatencyMs(), () => {
      if (this.#network.isCut(this.#call.to, this.#call.from.name)) return;
      if (answer.body.length > this.#options.maxAnswerBytes) return this.#unreachable("too long");
      this.#end(() => this.#options.ended(answer));
    });
  }

  #tamper(
    ask: (tamper: VirtualNetwork["tampers"][number]) => WireAnswer | "drop" | null,
  ): WireAnswer | "drop" | null {
    for (const tamper of this.#network.tampers) {
      const verdict = ask(tamper);
      if (verdict === null) continue;
      this.#say(`tampered: ${verdict === "drop" ? "dropped" : verdict.status}`);
      return verdict;
    }
    return null;
  }

  #unreachable(why: string): void {
    if (!this.#isOver) this.#say(why);
    this.#fail(new OpenRedError("unreachable", `No whole answer came: ${why}`));
  }

  #fail(error: unknown): void {
    this.#end(() => this.#options.failed(error));
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimeout();
    if (this.#caller.isAlive) tell();
  }

  #say(what: string): void {
    const { id, from, to } = this.#call;
    this.#network.trace.add(from.name, `→ ${to} #${id} ${what}`);
  }
}

/** The `code` of a problem, for people who read the trace. */
function readCode(answer: WireAnswer): string {
  if (answer.status < 400) return "";
  try {
    return String((JSON.parse(new TextDecoder().decode(answer.body)) as { code?: unknown }).code);
  } catch {
    return "";
  }
}
