/**
 * Calls between two threads of this process, by messages.
 *
 * @module
 */
import { type ErrorCode, OpenRedError } from "../protocol/errors.ts";

/** One end: a Worker as its starter sees it, or the inside of one. */
export interface ThreadPort {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** What one end may be asked; each takes one value and gives one, as messages carry them. */
// deno-lint-ignore no-explicit-any -- each is typed where it is called and where it is answered
export type ThreadHandlers = Readonly<Record<string, (argument: any) => unknown>>;

type Message =
  | {
    readonly kind: "call";
    readonly id: number;
    readonly name: string;
    readonly argument: unknown;
  }
  | { readonly kind: "tell"; readonly name: string; readonly argument: unknown }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly thrown: Thrown };

/** An error, as messages carry it. */
interface Thrown {
  readonly text: string;
  /** What an {@linkcode OpenRedError} has besides; `null` for any other. */
  readonly condition: {
    readonly code: ErrorCode;
    readonly retryAfterMs: number | null;
    readonly members: Readonly<Record<string, unknown>>;
    readonly cause: string | null;
  } | null;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One end of the calls between two threads. */
export class ThreadCalls<Theirs extends ThreadHandlers> {
  readonly #port: ThreadPort;
  readonly #own: ThreadHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #end: Error | null = null;

  /** @param own What the other end may call. */
  constructor(port: ThreadPort, own: ThreadHandlers) {
    this.#port = port;
    this.#own = own;
    port.onmessage = ({ data }: MessageEvent<Message>) => this.#take(data);
  }

  /** @throws {Error} With the text of what the other end threw; an {@linkcode OpenRedError} where that is one. */
  call<N extends keyof Theirs & string>(
    name: N,
    argument: Parameters<Theirs[N]>[0],
  ): Promise<Awaited<ReturnType<Theirs[N]>>> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Theirs[N]>>>();
    this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    this.#post({ kind: "call", id, name, argument });
    return promise;
  }

  /** Says something to which there is no answer. */
  tell<N extends keyof Theirs & string>(name: N, argument: Parameters<Theirs[N]>[0]): void {
    this.#post({ kind: "tell", name, argument });
  }

  /** The other end is gone: whatever waits for it, or will, is told why. */
  end(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #post(message: Message): void {
    this.#port.postMessage(message);
  }

  #take(message: Message): void {
    if (message.kind === "call") return void this.#answer(message);
    if (message.kind === "tell") return void this.#own[message.name]!(message.argument);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === "result") return waiting?.resolve(message.value);
    waiting?.reject(errorOf(message.thrown));
  }

  async #answer(
    { id, name, argument }: { readonly id: number; readonly name: string } & {
      readonly argument: unknown;
    },
  ): Promise<void> {
    try {
      this.#post({ kind: "result", id, value: await this.#own[name]!(argument) });
    } catch (error) {
      this.#post({ kind: "error", id, thrown: thrownOf(error) });
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function thrownOf(error: unknown): Thrown {
  const text = textOf(error);
  if (!(error instanceof OpenRedError)) return { text, condition: null };
  const { code, retryAfterMs, members, cause } = error;
  const why = cause === undefined ? null : textOf(cause);
  return { text, condition: { code, retryAfterMs, members, cause: why } };
}

function errorOf({ text, condition }: Thrown): Error {
  if (condition === null) return new Error(text);
  const { code, retryAfterMs, members, cause } = condition;
  return new OpenRedError(code, text, {
    members,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(cause === null ? {} : { cause: new Error(cause) }),
  });
}
