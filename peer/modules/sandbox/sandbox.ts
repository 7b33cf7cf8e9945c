/**
 * A module's thread, as its host speaks with it: calls both ways, each bounded in size, number and time.
 *
 * @module
 */
import * as v from "valibot";
import type { ModuleContext } from "../../../modules/api.ts";
import type { Clock } from "../../../ports/ports.ts";
import {
  MAX_MODULE_MESSAGE_BYTES,
  type ModuleEnd,
  type ModuleWorker,
} from "../../../ports/module_workers.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { FileEnd } from "../opened_file.ts";
import { refusalOf } from "../refusal.ts";
import { type CallAnswer, CONTEXT_CALLS, CONTEXT_TELLS, isPaced } from "./context_calls.ts";
import {
  type GuestMessage,
  guestMessageSchema,
  type Hello,
  helloSchema,
} from "./guest_messages.ts";
import { MessageRate } from "./message_rate.ts";
import { PacedCalls } from "./paced_calls.ts";
import { pack, type Packed, unpack } from "./packing.ts";

/** Calls of the host that a module may have under way; more are refused. */
const MAX_CALLS = 64;
/** Calls of the module that its host has under way; more end the module. */
const MAX_ASKS = 1_024;

interface Waiting {
  resolve(answer: Packed): void;
  reject(error: unknown): void;
  cancelTimer(): void;
}

/** The host's end. */
export class Sandbox {
  /** What the module is, and registers. Rejects where it does not say so. */
  readonly hello: Promise<Hello>;
  /** Resolves when its thread is gone; never rejects. */
  readonly ended: Promise<FileEnd>;
  readonly #clock: Pick<Clock, "monotonicMs" | "setTimer">;
  readonly #worker: ModuleWorker;
  readonly #greeting = Promise.withResolvers<Hello>();
  readonly #calls = new Map<number, Waiting>();
  readonly #asks = new Map<number, AbortController>();
  readonly #rate: MessageRate;
  readonly #paced: PacedCalls;
  readonly #busy: () => void;
  #context: ModuleContext | null = null;
  #hasGreeted = false;
  #lastCall = 0;
  #why: FileEnd | null = null;

  /**
   * @param options `start`: starts the thread, which gives its messages to what is passed in. `busy`: called whenever
   *   the module is about to do something, or has.
   */
  constructor(
    clock: Pick<Clock, "monotonicMs" | "setTimer">,
    { start, busy = () => {} }: {
      start: (onMessage: (bytes: Uint8Array) => boolean) => ModuleWorker;
      busy?: (() => void) | undefined;
    },
  ) {
    this.#clock = clock;
    this.#rate = new MessageRate(clock);
    this.#paced = new PacedCalls(clock);
    this.#busy = busy;
    this.hello = this.#greeting.promise;
    this.hello.catch(() => undefined);
    this.#worker = start((bytes) => {
      const { isAwaiting } = this.#rate;
      this.#receive(bytes);
      return !isAwaiting;
    });
    this.ended = this.#worker.ended.then((end) => this.#over(end));
  }

  /** What the module's calls are answered from, from now on. */
  use(context: ModuleContext): void {
    this.#context = context;
  }

  /**
   * Calls into the module.
   * @throws {OpenRedError} What the module refuses with; `too_large` for more than a message takes; `overloaded` where it
   *   is gone, has too much under way, or does not answer in time, which ends it; `internal` where it fails.
   */
  call(
    op: string,
    value: Readonly<Record<string, unknown>>,
    options: { timeoutMs: number; parts?: readonly Uint8Array[]; signal?: AbortSignal },
  ): Promise<Packed> {
    if (this.#why !== null) return Promise.reject(gone());
    if (this.#calls.size >= MAX_CALLS) {
      return Promise.reject(new OpenRedError("overloaded", "The module has too much under way"));
    }
    const number = ++this.#lastCall;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = packFitting({ kind: "call", number, op, value }, options.parts);
    } catch (error) {
      return Promise.reject(error);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Packed>();
    const cancelTimer = this.#clock.setTimer(options.timeoutMs, () => {
      void this.end("no_answer", `It did not answer within ${options.timeoutMs} ms: ${op}`);
    });
    this.#calls.set(number, { resolve, reject, cancelTimer });
    options.signal?.addEventListener("abort", () => this.#post({ kind: "abort", number }), {
      once: true,
    });
    this.#busy();
    this.#rate.expect();
    this.#worker.post(bytes);
    return promise;
  }

  /** Ends the thread, for a reason of the host. */
  async end(why: string, detail = ""): Promise<FileEnd> {
    this.#why ??= { why, detail };
    await this.#worker.terminate();
    return await this.ended;
  }

  #over(end: ModuleEnd): FileEnd {
    this.#why ??= end;
    for (const waiting of this.#calls.values()) {
      waiting.cancelTimer();
      waiting.reject(gone());
    }
    this.#calls.clear();
    this.#paced.stop();
    for (const stop of this.#asks.values()) stop.abort();
    this.#asks.clear();
    const { why, detail } = this.#why;
    const text = detail === "" ? why : `${why}: ${detail}`;
    this.#greeting.reject(
      new OpenRedError("bad_request", `The module did not load: ${text}`),
    );
    return this.#why;
  }

  /** @throws {OpenRedError} `too_large`. */
  #post(message: Readonly<Record<string, unknown>>, parts?: readonly Uint8Array[]): void {
    if (this.#why === null) this.#worker.post(packFitting(message, parts));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#why !== null) return;
    this.#busy();
    if (!this.#rate.take(bytes)) return void this.end("flood", "It said too much in a second");
    const packed = unpack(bytes);
    if (packed === null) return void this.end("bad_message", "Its message has another form");
    if (!this.#hasGreeted) return this.#greet(packed);
    const message = v.safeParse(guestMessageSchema, packed.message, { abortEarly: true });
    if (!message.success) return void this.end("bad_message", "Its message has another form");
    this.#take(message.output, packed);
  }

  #greet({ message }: Packed): void {
    const hello = v.safeParse(helloSchema, message, { abortEarly: true });
    if (!hello.success) return void this.end("bad_message", "What it registers has another form");
    this.#hasGreeted = true;
    this.#greeting.resolve(hello.output);
  }

  #take(message: GuestMessage, packed: Packed): void {
    if (message.kind === "done") return this.#done(message, packed);
    if (message.kind === "tell") return this.#tell(message.op, message.value);
    if (this.#asks.size >= MAX_ASKS) return void this.end("flood", "It has too much under way");
    if (this.#asks.has(message.number)) return void this.end("bad_message", "A number came twice");
    const stop = new AbortController();
    this.#asks.set(message.number, stop);
    void this.#answer(message, packed.parts, stop.signal);
  }

  #done(message: GuestMessage & { kind: "done" }, packed: Packed): void {
    const waiting = this.#calls.get(message.number);
    if (waiting === undefined) return void this.end("bad_message", "It answered what nobody asked");
    this.#calls.delete(message.number);
    waiting.cancelTimer();
    if (message.isOk) return waiting.resolve(packed);
    const { code, text } = message;
    const refusal = code === null ? null : refusalOf({ code, message: text });
    waiting.reject(refusal ?? new OpenRedError("internal", `The module failed: ${text}`));
  }

  #tell(op: string, value: unknown): void {
    if (op === "cancel") return this.#asks.get(Number(value))?.abort();
    const tell = CONTEXT_TELLS.get(op);
    if (tell === undefined || this.#context === null) {
      return void this.end("bad_message", `There is no such word: ${op}`);
    }
    try {
      tell(this.#context, value);
    } catch (error) {
      const text = error instanceof Error ? error.message : "";
      void this.end("bad_message", `${op}: ${text}`);
    }
  }

  async #answer(
    ask: GuestMessage & { kind: "ask" },
    parts: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<void> {
    const { number, op, value } = ask;
    let answer: CallAnswer;
    try {
      const call = CONTEXT_CALLS.get(op);
      if (call === undefined || this.#context === null) {
        throw new OpenRedError("unsupported", `There is no such call: ${op}`);
      }
      const scene = { context: this.#context, signal };
      const run = () => call(scene, value, parts);
      answer = await (isPaced(op) ? this.#paced.run(run) : run());
      this.#asks.delete(number);
      this.#post({ kind: "answer", number, isOk: true, value: answer.value ?? null }, answer.parts);
    } catch (error) {
      this.#asks.delete(number);
      const refusal = refusalOf(error);
      const code = refusal?.code ?? "internal";
      const text = refusal?.message ?? "The node failed";
      this.#post({ kind: "answer", number, isOk: false, code, text });
    }
  }
}

/**
 * Packs what the thread takes as one message. What peers send can be a little larger with what stands around it.
 * @throws {OpenRedError} `too_large`.
 */
function packFitting(
  message: Readonly<Record<string, unknown>>,
  parts?: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const bytes = pack(message, parts);
  if (bytes.length <= MAX_MODULE_MESSAGE_BYTES) return bytes;
  throw new OpenRedError("too_large", "This is more than a module from a file takes at once");
}

function gone(): OpenRedError {
  return new OpenRedError("overloaded", "The module is gone");
}
